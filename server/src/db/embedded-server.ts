import { type ChildProcess, execFileSync } from "node:child_process";
import {
  appendFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  statSync,
} from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { SECOND } from "../lib/clock.ts";
import { StartError } from "../lib/errors.ts";
import type { PostgresBinaries } from "./embedded-binaries.ts";

const STOP_MS_MAX = 10 * SECOND;
const RESTART_MS = 250;
const OUTPUT_LENGTH_MAX = 4_000;
/** The log is this long at most, and the one before it. */
const LOG_BYTES_MAX = 5 * 1024 * 1024;

export type PostgresServer = {
  /** Resolves when PostgreSQL has ended, within 20 seconds. */
  readonly stop: () => Promise<void>;
  /** Why it ended before it was ever ready. */
  readonly failure: () => string | undefined;
  readonly isReady: () => void;
};

export type ServerPlace = {
  readonly cluster: string;
  readonly socketFolder: string;
  readonly logFile: string;
};

const settings = {
  listen_addresses: "",
  fsync: "on",
  synchronous_commit: "on",
  timezone: "UTC",
  max_connections: 200,
  shared_buffers: "128MB",
  // One checkpoint in five minutes even at full load: each makes the WAL of the next minutes fatter.
  max_wal_size: "2GB",
  // Kept once written, for the next burst: making new pieces of the log stops all commits.
  min_wal_size: "1GB",
  wal_compression: "on",
  // What a statement carried, and a row that breaks a rule, may be somebody's text.
  log_min_error_statement: "panic",
  log_error_verbosity: "terse",
  log_parameter_max_length: 0,
  log_parameter_max_length_on_error: 0,
  log_statement: "none",
  log_checkpoints: "off",
  log_line_prefix: "%m [%p] ",
};

/** Runs PostgreSQL and starts it again whenever it ends, until `stop`. */
export function supervise(binaries: PostgresBinaries, place: ServerPlace): PostgresServer {
  let isStopping = false;
  let wasReady = false;
  let failure: string | undefined;
  let child: ChildProcess | undefined;
  const args = ["-D", place.cluster, "-k", place.socketFolder].concat(
    ...Object.entries(settings).map(([name, value]) => ["-c", `${name}=${value}`]),
  );
  const start = () => {
    child = binaries.spawn("postgres", args);
    const output = collect(child, place.logFile);
    whenEnded(child, () => {
      child = undefined;
      if (isStopping) return;
      if (wasReady || isStillEnding(output())) setTimeout(() => isStopping || start(), RESTART_MS);
      else failure = startFailure(output());
    });
  };
  // However Longwave ends, except by kill -9, PostgreSQL ends too.
  const endNow = () => child?.kill("SIGQUIT");
  process.on("exit", endNow);
  start();
  return {
    failure: () => failure,
    isReady: () => {
      wasReady = true;
    },
    stop: async () => {
      isStopping = true;
      await endChild(child);
      process.off("exit", endNow);
    },
  };
}

function endChild(child: ChildProcess | undefined): Promise<void> {
  return new Promise((done) => {
    if (child === undefined) return done();
    const quit = setTimeout(() => child.kill("SIGQUIT"), STOP_MS_MAX);
    const kill = setTimeout(() => child.kill("SIGKILL"), 2 * STOP_MS_MAX);
    whenEnded(child, () => {
      clearTimeout(quit);
      clearTimeout(kill);
      done();
    });
    child.kill("SIGINT");
  });
}

/** After `close` its workers are gone, too: they share its output. */
export function whenEnded(child: ChildProcess, then: (code: number | null) => void): void {
  let hasEnded = false;
  const end = (code: number | null) => {
    if (!hasEnded) then(code);
    hasEnded = true;
  };
  child.once("error", () => end(null));
  child.once("close", end);
}

/**
 * Ends the PostgreSQL that outlived a killed Longwave: its output leads nowhere. With nothing left
 * of it, its lock file means nothing, though its number may belong to another process by now.
 */
export async function stopOrphan(cluster: string): Promise<void> {
  const lockFile = join(cluster, "postmaster.pid");
  const pid = Number((await readFile(lockFile, "utf8").catch(() => "")).split("\n")[0]);
  if (!(pid > 1)) return;
  const startedAt = performance.now();
  let asked: NodeJS.Signals | undefined;
  for (;;) {
    const found = processesOf(cluster, pid);
    if (found.length === 0) break;
    const waited = performance.now() - startedAt;
    if (waited > 2 * STOP_MS_MAX) {
      throw new StartError(
        `PostgreSQL of an earlier start (process ${found.join(", ")}) does not end. End it and start again.`,
      );
    }
    const wanted = waited > STOP_MS_MAX ? "SIGQUIT" : "SIGINT";
    if (wanted !== asked && found.includes(pid)) signal(pid, wanted);
    asked = wanted;
    await new Promise((done) => setTimeout(done, 50));
  }
  await rm(lockFile, { force: true });
}

/** PostgreSQL's processes, all of which work in the folder of their cluster. */
function processesOf(cluster: string, postmaster: number): number[] {
  if (process.platform === "linux") {
    const folder = realpathSync(cluster);
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && workingFolder(name) === folder)
      .map(Number);
  }
  try {
    const command = execFileSync("ps", ["-ww", "-o", "args=", "-p", String(postmaster)], {
      ...{ encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
    });
    return command.includes(` -D ${cluster} `) ? [postmaster] : [];
  } catch {
    return [];
  }
}

function workingFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // it has ended, or is somebody else's
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {} // it has just ended
}

/** The end of a child's output; all of it goes to the log file. */
export function collect(child: ChildProcess, logFile: string | undefined): () => string {
  let output = "";
  const add = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(-OUTPUT_LENGTH_MAX);
    if (logFile !== undefined) appendBounded(logFile, chunk);
  };
  child.stdout?.on("data", add);
  child.stderr?.on("data", add);
  child.on("error", (error) => add(Buffer.from(`FATAL:  ${error.message}\n`)));
  return () => output;
}

/** A log that cannot be written, as on a full disk, must not stop the rest. */
function appendBounded(file: string, chunk: Buffer): void {
  try {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) {
      renameSync(file, `${file}.1`);
    }
    appendFileSync(file, chunk, { mode: 0o600 });
  } catch {}
}

/** Workers of a killed postmaster end by themselves within moments. */
function isStillEnding(output: string): boolean {
  return output.includes("pre-existing shared memory block");
}

export function startFailure(output: string): string {
  if (output.includes("No space left on device")) {
    return "The disk is full: PostgreSQL cannot start. Free some space and start again.";
  }
  const lines = output.trim().split("\n");
  const cause =
    lines.find((line) => /FATAL|PANIC|error/i.test(line)) ?? lines.at(-1) ?? "no output";
  const text = cause.replace(/^.*?(FATAL|PANIC|ERROR):\s*/i, "").trim();
  return `PostgreSQL did not start: ${text.replace(/\.?$/, ".")} Its log is postgresql.log in the data folder. Set DATABASE_URL to use another PostgreSQL.`;
}
