import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { chown, mkdir, readdir, readFile, readlink, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { SECOND } from "../lib/clock.ts";
import { StartError } from "../lib/errors.ts";
import { connectDirect, type DatabaseAddress } from "./connect.ts";
import { findBinaries, type PostgresBinaries, type UnixUser } from "./embedded-binaries.ts";

export type Embedded = {
  readonly address: DatabaseAddress;
  readonly stop: () => Promise<void>;
};

const MAJOR = "18";
const START_MS_MAX = 30 * SECOND;
const STOP_MS_MAX = 10 * SECOND;
const RESTART_MS = 250;

/**
 * Starts PostgreSQL 18 in a folder and keeps it running until `stop`. It listens on one socket in
 * a folder that only its user may enter. Throws StartError with the remedy.
 */
export async function startEmbedded(dataDir: string): Promise<Embedded> {
  const binaries = await findBinaries();
  const home = await clusterHome(resolve(dataDir), binaries.user);
  const cluster = join(home, "cluster");
  const socketFolder = await makeSocketFolder(cluster, binaries.user);
  await initialise(binaries, cluster);
  await stopOrphans(cluster);
  await clearSocket(socketFolder);
  const server = supervise(binaries, cluster, socketFolder);
  const admin: DatabaseAddress = { kind: "socket", folder: socketFolder, database: "postgres" };
  try {
    await waitUntilReady(admin, server);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { address: { ...admin, database: "longwave" }, stop: server.stop };
}

/** As root the cluster belongs to another user, who may not be able to enter the data folder. */
async function clusterHome(dataDir: string, user: UnixUser | undefined): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o755 }).catch((error: NodeJS.ErrnoException) => {
    throw new StartError(
      `The data folder ${dataDir} cannot be made (${error.code}). Set LONGWAVE_DATA_DIR to a folder that this user may write.`,
    );
  });
  if (user === undefined) return dataDir;
  for (let folder = dataDir; folder !== "/"; folder = resolve(folder, "..")) {
    if (((await stat(folder)).mode & 0o001) === 0) {
      const home = join("/var/lib/longwave", nameOf(dataDir));
      await mkdir(home, { recursive: true, mode: 0o755 });
      return home;
    }
  }
  return dataDir;
}

function nameOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 12);
}

/** Short, because a socket's path is limited to 107 bytes. */
async function makeSocketFolder(cluster: string, user: UnixUser | undefined): Promise<string> {
  const folder = join(tmpdir(), `longwave-${nameOf(cluster)}`);
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const { uid, mode } = await stat(folder);
  if (uid !== (user?.uid ?? process.getuid?.()) || (mode & 0o077) !== 0) {
    throw new StartError(
      `The folder ${folder} belongs to somebody else. Remove it and start again.`,
    );
  }
  return folder;
}

async function initialise(binaries: PostgresBinaries, cluster: string): Promise<void> {
  const version = await readFile(join(cluster, "PG_VERSION"), "utf8").catch(() => undefined);
  if (version?.trim() === MAJOR) return;
  if (version !== undefined) {
    throw new StartError(
      `The data in ${cluster} was written by PostgreSQL ${version.trim()}, this Longwave brings ${MAJOR}. Move it with pg_dump and pg_restore, or set LONGWAVE_DATA_DIR to a new folder.`,
    );
  }
  await rm(cluster, { recursive: true, force: true }); // half made: initdb writes PG_VERSION early, but never over a cluster in use
  await mkdir(cluster, { mode: 0o700 });
  if (binaries.user !== undefined) await chown(cluster, binaries.user.uid, binaries.user.gid);
  const child = binaries.spawn("initdb", [
    ...["-D", cluster, "-U", "longwave", "-A", "trust", "-E", "UTF8"],
    ...["--locale=C", "--data-checksums", "--no-instructions"],
  ]);
  const output = collect(child);
  const code = await new Promise((done) => child.once("exit", done));
  if (code === 0) return;
  await rm(cluster, { recursive: true, force: true });
  throw new StartError(startFailure(output()));
}

/**
 * Ends what a killed Longwave or postmaster left running in the cluster, then its lock file: its
 * number may belong to another process by now.
 */
async function stopOrphans(cluster: string): Promise<void> {
  const lockFile = join(cluster, "postmaster.pid");
  const file = await readFile(lockFile, "utf8").catch(() => undefined);
  if (file === undefined) return;
  const postmaster = Number(file.split("\n")[0]);
  const startedAt = performance.now();
  let pids = await processesIn(cluster, postmaster);
  if (pids.includes(postmaster)) signal(postmaster, "SIGINT");
  while (pids.length > 0) {
    if (performance.now() - startedAt > STOP_MS_MAX) for (const pid of pids) signal(pid, "SIGKILL");
    await pause(20);
    pids = await processesIn(cluster, postmaster);
  }
  await rm(lockFile, { force: true });
}

/** Its lock file names a process that ended, and whose number may be in use again. */
async function clearSocket(folder: string): Promise<void> {
  const socket = join(folder, ".s.PGSQL.5432");
  await rm(socket, { force: true });
  await rm(`${socket}.lock`, { force: true });
}

/** PostgreSQL's processes work in the folder of their cluster; elsewhere than on Linux only the first is known. */
async function processesIn(cluster: string, postmaster: number): Promise<number[]> {
  if (process.platform !== "linux") return isAlive(postmaster) ? [postmaster] : [];
  const folder = await realpath(cluster);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const places = await Promise.all(
    pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => undefined)),
  );
  return pids.filter((_pid, index) => places[index] === folder);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

type Server = { stop: () => Promise<void>; failure: () => string | undefined };

function supervise(binaries: PostgresBinaries, cluster: string, socketFolder: string): Server {
  let isStopping = false;
  let isReady = false;
  let failure: string | undefined;
  let child: ChildProcess;
  const start = () => {
    child = binaries.spawn("postgres", [
      ...["-D", cluster, "-k", socketFolder, "-c", "listen_addresses="],
      ...["-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "timezone=UTC"],
      ...["-c", "shared_buffers=128MB", "-c", "max_connections=60", "-c", "max_wal_size=2GB"],
      ...["-c", "log_checkpoints=off"],
    ]);
    const output = collect(child);
    const startedAt = performance.now();
    child.once("exit", () => {
      isReady ||= performance.now() - startedAt > START_MS_MAX;
      if (!isReady) failure = startFailure(output());
      if (!isStopping) setTimeout(() => isStopping || start(), RESTART_MS);
    });
  };
  start();
  return {
    failure: () => failure,
    stop: () =>
      new Promise((done) => {
        isStopping = true;
        if (child.exitCode !== null || child.signalCode !== null) return done();
        const force = setTimeout(() => child.kill("SIGQUIT"), STOP_MS_MAX);
        child.once("exit", () => {
          clearTimeout(force);
          done();
        });
        child.kill("SIGINT");
      }),
  };
}

async function waitUntilReady(admin: DatabaseAddress, server: Server): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    const sql = connectDirect(admin);
    try {
      const found = await sql`select from pg_database where datname = 'longwave'`;
      if (found.length === 0) await sql`create database longwave`;
      return;
    } catch (error) {
      const failure = server.failure();
      if (failure !== undefined) throw new StartError(failure);
      if (performance.now() > deadline) throw error;
      await pause(50);
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

const OUTPUT_LENGTH_MAX = 4_000;

function collect(child: ChildProcess): () => string {
  let output = "";
  const add = (chunk: Buffer) => {
    output = (output + chunk.toString("utf8")).slice(-OUTPUT_LENGTH_MAX);
  };
  child.stdout?.on("data", add);
  child.stderr?.on("data", add);
  return () => output;
}

function startFailure(output: string): string {
  if (output.includes("No space left on device")) {
    return "The disk is full: PostgreSQL cannot start. Free some space and start again.";
  }
  const lines = output.trim().split("\n");
  const cause =
    lines.find((line) => /FATAL|PANIC|error/i.test(line)) ?? lines.at(-1) ?? "no output";
  return `PostgreSQL did not start: ${cause.trim()} Set DATABASE_URL to use another PostgreSQL.`;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
