/** How the kernel shares the cores out: what stands before a command. */
import { spawnSync } from "node:child_process";
import { refuse } from "./options.js";

/** Runs a program on the first cores alone, and its children with it; nothing where it cannot. */
export function pinnedTo(cores) {
  const pinned = ["taskset", "--cpu-list", `0-${cores - 1}`];
  return canRun(pinned) ? pinned : [];
}

/**
 * Runs a program whose first thread has a core whenever it wants one. Its children and its other
 * threads have not, unless it is for `all`.
 */
export function inRealTime({ all = false } = {}) {
  const before = ["chrt", ...(all ? [] : ["--reset-on-fork"]), "--rr", "1"];
  if (canRun(before)) return before;
  return refuse("--realtime needs chrt (util-linux) and the right to it: run it as root.");
}

function canRun([command, ...args]) {
  return spawnSync(command, [...args, "true"]).status === 0;
}
