import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "./errors.ts";

/** Takes a folder for this process. What a killed process left behind does not count. */
export function lockFolder(folder: string): () => void {
  const path = join(folder, "longwave.pid");
  const own = `${process.pid} ${startOf(process.pid)}\n`;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(path, own, { flag: "wx" });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    const found = readFileSync(path, "utf8");
    const [pid = "", start = ""] = found.trim().split(" ");
    if (isRunning(Number(pid)) && startOf(Number(pid)) === start) {
      throw new StartError(
        `Another Longwave (process ${pid}) uses the data folder ${folder}. Stop it, or set LONGWAVE_DATA_DIR to another folder.`,
      );
    }
    removeStale(path, found);
  }
  throw new StartError(`Another Longwave starts in ${folder} at this moment. Try again.`);
}

/** Moved away before it is judged: another process may have put its own lock there meanwhile. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") !== stale) linkSync(aside, path);
  } catch (error) {
    if (!hasCode(error, "ENOENT") && !hasCode(error, "EEXIST")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** When the process started, so that a number used again is told apart; Linux only. */
function startOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
