import { execFileSync, spawnSync } from "node:child_process";
import { inject } from "vitest";
import {
  connectDatabase,
  connectDirect,
  type Database,
  type DatabaseAddress,
} from "../src/db/connect.ts";
import type { Sql } from "../src/db/sql.ts";
import { inDatabase } from "./postgres-server.ts";

export type TestDatabase = Database & { readonly address: DatabaseAddress };

let made = 0;

/** A database of its own for a test file: a clone of the migrated template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject("server");
  const name = newName();
  const admin = connectDirect(server);
  await admin.unsafe(`create database ${name} template template_longwave`);
  await admin.end();
  const address = inDatabase(server, name);
  return { address, ...connectDatabase(address) };
}

/** An account with nothing but its number. */
export async function insertTestAccount(sql: Sql): Promise<number> {
  const [row] = await sql<{ account: number }[]>`
    insert into accounts (sid, friendly_name, status, auth_token, created_at, updated_at)
    values ('AC1', 'Test', 'active', '', now(), now())
    returning account
  `;
  if (row === undefined) throw new Error("PostgreSQL returned no account.");
  return row.account;
}

/**
 * A backup of a database, restored into another. By pg_dump while everybody works, where the server
 * is an external one and its programs are here; else as PostgreSQL copies, after `stop`.
 */
export async function restoreBackup(
  database: TestDatabase,
  stop: () => Promise<void>,
): Promise<TestDatabase> {
  const server = inject("server");
  const name = newName();
  const address = inDatabase(server, name);
  const dump = dumpOf(database.address);
  await stop();
  const admin = connectDirect(server);
  const [source] = await database.sql<{ name: string }[]>`select current_database() as name`;
  await database.close();
  await admin.unsafe(
    `create database ${name} ${dump === undefined ? `template ${source?.name}` : ""}`,
  );
  await admin.end();
  if (dump !== undefined && address.kind === "url") {
    const url = address.directUrl ?? address.url;
    execFileSync("pg_restore", ["--no-owner", "-d", url], { input: dump });
  }
  return { address, ...connectDatabase(address) };
}

const DUMP_BYTES_MAX = 64 * 1024 * 1024;

function dumpOf(address: DatabaseAddress): Buffer | undefined {
  if (address.kind !== "url") return undefined;
  const url = address.directUrl ?? address.url;
  const { status, stdout } = spawnSync("pg_dump", ["-Fc", url], { maxBuffer: DUMP_BYTES_MAX });
  return status === 0 ? stdout : undefined;
}

function newName(): string {
  return `test_${process.pid}_${performance.timeOrigin.toFixed(0)}_${made++}`;
}
