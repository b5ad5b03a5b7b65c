/** How the kernel shares the cores out: what stands before a command. */
import { spawnSync } from "node:child_process";
import { options, refuse } from "./options.js";

/** Runs a program on the first cores alone, and its children with it; nothing where it cannot. */
export function pinnedTo(cores) {
  const pinned = ["taskset", "--cpu-list", `0-${cores - 1}`];
  return outputOf([...pinned, "true"]) === undefined ? [] : pinned;
}

/**
 * Runs a program as nice as `--nice` says; nothing without it. Its children and threads are so, too,
 * unless it is for the `first` thread alone. The kernel may make each session a group that has its
 * share as a whole: then the group has to be as nice.
 */
export function asNice({ first = false } = {}) {
  if (options.nice === undefined) return [];
  const alone = first ? "chrt --reset-on-fork --other 0 " : "";
  const script = `echo "$1" 2>/dev/null > /proc/self/autogroup; exec ${alone}nice -n "$@"`;
  const before = ["sh", "-c", script, "sh", String(options.nice)];
  // Who has not the right is warned and goes on.
  if (Number(outputOf([...before, "nice"])) === Number(options.nice)) return before;
  return refuse(
    `--nice is '${options.nice}'. Give a number; below 0 as root, with chrt (util-linux).`,
  );
}

/** Nothing when it cannot be run or fails. */
function outputOf([command, ...args]) {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}
