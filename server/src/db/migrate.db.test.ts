import { join } from "node:path";
import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { connectDirect } from "./connect.ts";
import { migrate } from "./migrate.ts";
import { createPartitions, dropPartitions } from "./partitions.ts";

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

test("retention drops old days, but none that a queued message needs", async () => {
  const database = await createTestDatabase();
  const longAgo = new Date("2025-01-10T12:00:00Z");
  await createPartitions(database.sql, longAgo);
  const id = (BigInt(longAgo.getTime() - Date.UTC(2024, 0, 1)) << 22n).toString();
  await database.sql`
    insert into queue (shard, lane, priority, id, attempt, segments, valid_until)
    values (0, 1, 0, ${id}::bigint, 1, 1, now())
  `;
  const dropped = await dropPartitions(database.sql, { now: new Date(), retentionDays: 90 });
  expect(dropped).toContain("messages_20250109");
  expect(dropped).not.toContain("messages_20250110");
  await database.close();
});
