import { readdirSync, readFileSync } from "node:fs";

const TICKS_A_SECOND = 100;

/** CPU seconds of a process, its own and of its threads (Linux). */
export function cpuOf(pid) {
  const fields = statOf(pid);
  return fields === undefined ? 0 : (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** CPU seconds of all descendants of a process, with those that ended and were waited for. */
export function cpuOfDescendants(pid) {
  const children = childrenOf(pid);
  return children.reduce((sum, child) => {
    const fields = statOf(child);
    const reaped = fields === undefined ? 0 : Number(fields[13]) + Number(fields[14]);
    return sum + cpuOf(child) + reaped / TICKS_A_SECOND + cpuOfDescendants(child);
  }, 0);
}

export function memoryMbOf(pid) {
  return statusMbOf(pid, /VmRSS:\s+(\d+)/);
}

/** Of all descendants, what they share counted once. */
export function memoryMbOfDescendants(pid) {
  return childrenOf(pid).reduce(
    (sum, child) => sum + sharedMbOf(child) + memoryMbOfDescendants(child),
    0,
  );
}

/** The proportional set size: what it shares counts by its part. Nothing when it has just ended. */
function sharedMbOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Math.round(Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}

/** The most it has had since its start. */
export function mostMemoryMbOf(pid) {
  return statusMbOf(pid, /VmHWM:\s+(\d+)/);
}

function statusMbOf(pid, pattern) {
  const line = pattern.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Math.round(Number(line?.[1] ?? 0) / 1024);
}

export function childrenOf(pid) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid))
    .map(Number);
}

/** Fields of /proc/PID/stat after the command's name: state first. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  } catch {
    return undefined;
  }
}
