import { join } from "node:path";
import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { connectDirect } from "./connect.ts";
import { migrate } from "./migrate.ts";

const folder = join(import.meta.dirname, "../../migrations");

test("two processes that start at once both find the schema", async () => {
  const database = await createTestDatabase();
  const [one, two] = [connectDirect(database.address), connectDirect(database.address)];
  await one.unsafe("drop schema public cascade; create schema public");
  const versions = await Promise.all([migrate(one, folder), migrate(two, folder)]);
  expect(versions[0]).toBe(versions[1]);
  await Promise.all([one.end(), two.end(), database.close()]);
});

test("a schema newer than the program is refused with the remedy", async () => {
  const database = await createTestDatabase();
  const direct = connectDirect(database.address);
  await direct`insert into migrations (version, name) values (9999, 'later')`;
  await expect(migrate(direct, folder)).rejects.toThrow(/version 9999.*newer release/);
  await Promise.all([direct.end(), database.close()]);
});
