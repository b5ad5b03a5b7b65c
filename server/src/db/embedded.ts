import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SECOND } from "../lib/clock.ts";
import { StartError } from "../lib/errors.ts";
import { connectDirect, type DatabaseAddress } from "./connect.ts";
import { findBinaries, type PostgresBinaries } from "./embedded-binaries.ts";
import { findHome, makePrivateFolder, makeSocketFolder, type UnixUser } from "./embedded-home.ts";
import {
  collect,
  type PostgresServer,
  startFailure,
  stopOrphan,
  supervise,
  whenEnded,
} from "./embedded-server.ts";

export type Embedded = {
  readonly address: DatabaseAddress;
  readonly stop: () => Promise<void>;
};

const MAJOR = "18";
/** Silence; a recovery that answers may take as long as it needs. */
const START_MS_MAX = 30 * SECOND;

/**
 * Starts PostgreSQL 18 in a folder that exists and keeps it running until `stop`. It listens on
 * one socket in a folder that only its user may enter. Throws StartError with the remedy.
 */
export async function startEmbedded(dataDir: string, signal?: AbortSignal): Promise<Embedded> {
  const folder = resolve(dataDir);
  const home = await findHome(folder);
  const binaries = await findBinaries(home.binariesFolder, home.user);
  const cluster = join(home.folder, "cluster");
  await initialise(binaries, cluster, home.user);
  await stopOrphan(cluster);
  const socketFolder = await makeSocketFolder(home);
  const logFile = join(folder, "postgresql.log");
  const server = supervise(binaries, { cluster, socketFolder, logFile });
  const stop = async () => {
    await server.stop();
    await rm(socketFolder, { recursive: true, force: true });
  };
  const admin: DatabaseAddress = { kind: "socket", folder: socketFolder, database: "postgres" };
  try {
    await waitUntilReady(admin, server, signal);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: { ...admin, database: "longwave" }, stop };
}

/** Makes the cluster aside and moves it in whole, so that a kill leaves no half of one. */
async function initialise(
  binaries: PostgresBinaries,
  cluster: string,
  user: UnixUser | undefined,
): Promise<void> {
  const version = await readVersion(cluster);
  if (version === MAJOR) return;
  if (version !== undefined) {
    throw new StartError(
      `The data in ${cluster} was written by PostgreSQL ${version}, this Longwave brings ${MAJOR}. Move it with pg_dump and pg_restore, or set LONGWAVE_DATA_DIR to a new folder.`,
    );
  }
  const fresh = `${cluster}.making`;
  await rm(fresh, { recursive: true, force: true });
  await makePrivateFolder(fresh, user);
  const child = binaries.spawn("initdb", [
    ...["-D", fresh, "-U", "longwave", "-A", "trust", "-E", "UTF8"],
    ...["--locale=C", "--data-checksums", "--no-instructions"],
    // A new piece of the log is written with zeros while all commits wait: 20 to 100 ms for PostgreSQL's 16 MB.
    "--wal-segsize=4",
  ]);
  const output = collect(child, undefined);
  const code = await new Promise((done) => whenEnded(child, done));
  if (code !== 0) {
    await rm(fresh, { recursive: true, force: true });
    throw new StartError(startFailure(output()));
  }
  await rename(fresh, cluster);
  const parent = await open(dirname(cluster));
  await parent.sync();
  await parent.close();
}

async function readVersion(cluster: string): Promise<string | undefined> {
  try {
    return (await readFile(join(cluster, "PG_VERSION"), "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function waitUntilReady(
  admin: DatabaseAddress,
  server: PostgresServer,
  signal: AbortSignal | undefined,
): Promise<void> {
  let deadline = performance.now() + START_MS_MAX;
  for (;;) {
    const sql = connectDirect(admin);
    try {
      const found = await sql`select from pg_database where datname = 'longwave'`;
      if (found.length === 0) await sql`create database longwave`;
      server.isReady();
      return;
    } catch (error) {
      const failure = server.failure();
      if (failure !== undefined) throw new StartError(failure);
      if (signal?.aborted === true) throw error;
      if (isRecovering(error)) deadline = performance.now() + START_MS_MAX;
      if (performance.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 50));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

/** 57P03: the database system is starting up. */
function isRecovering(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "57P03";
}
