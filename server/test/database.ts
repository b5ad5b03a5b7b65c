import { inject } from "vitest";
import {
  connectDatabase,
  connectDirect,
  type Database,
  type DatabaseAddress,
} from "../src/db/connect.ts";
import { inDatabase } from "./postgres-server.ts";

export type TestDatabase = Database & { readonly address: DatabaseAddress };

let made = 0;

/** A database of its own for a test file: a clone of the migrated template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject("server");
  const name = `test_${process.pid}_${performance.timeOrigin.toFixed(0)}_${made++}`;
  const admin = connectDirect(server);
  await admin.unsafe(`create database ${name} template template_longwave`);
  await admin.end();
  const address = inDatabase(server, name);
  return { address, ...connectDatabase(address) };
}
