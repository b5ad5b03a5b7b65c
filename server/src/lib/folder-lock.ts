import { readFileSync, rmSync, writeFileSync } from "node:fs";
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
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      const [pid = "", start = ""] = readFileSync(path, "utf8").trim().split(" ");
      if (isRunning(Number(pid)) && startOf(Number(pid)) === start) {
        throw new StartError(
          `Another Longwave (process ${pid}) uses the data folder ${folder}. Stop it, or set LONGWAVE_DATA_DIR to another folder.`,
        );
      }
      rmSync(path, { force: true });
    }
  }
  throw new StartError(`Another Longwave starts in ${folder} at this moment. Try again.`);
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
