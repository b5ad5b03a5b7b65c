import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { HOUR } from "../lib/clock.ts";
import { firstIdAt } from "../lib/message-id.ts";
import { createPartitions, dropPartitions } from "./partitions.ts";

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.close());

const longAgo = new Date("2025-01-10T12:00:00Z");
const today = new Date("2025-06-01T12:00:00Z");
const dropOld = (now = today) => dropPartitions(database.sql, { now, retentionDays: 90 });

test("retention drops old days, but none that a queued message needs", async () => {
  await createPartitions(database.sql, longAgo);
  await database.sql`
    insert into queue (shard, lane, priority, id, attempt, segments, valid_until)
    values (0, 1, 0, ${firstIdAt(longAgo).toString()}::bigint, 1, 1, now())
  `;
  const dropped = await dropOld();
  expect(dropped).toContain("messages_20250109");
  expect(dropped).not.toContain("messages_20250110");
});

test("events stay while a reader that lives has not read them, and go when it has", async () => {
  await createPartitions(database.sql, longAgo);
  const { sql } = database;
  await sql`
    insert into events (writer, seq, day, at, kind, account, id, data)
    values (7, 1, '2025-01-10', now(), 'sent', 1, 1, '{}'), (7, 2, '2025-01-10', now(), 'sent', 1, 1, '{}')
  `;
  await sql`insert into cursors (reader, writer, seq, day) values ('sink', 7, 1, '2025-01-10')`;
  await sql`
    insert into leases (kind, number, owner, epoch, expires_at)
    values ('reader:sink', 0, 'OW1', 1, ${today.toISOString()}::text::timestamptz)
  `;
  const first = await dropOld();
  expect(first).toContain("events_20250109");
  expect(first).toContain("messages_20250110");
  expect(first).not.toContain("events_20250110");
  await sql`update cursors set seq = 2 where reader = 'sink'`;
  expect(await dropOld()).toEqual(["events_20250110"]);
});

test("a reader that died holds its unread events for 72 hours", async () => {
  await createPartitions(database.sql, longAgo);
  const { sql } = database;
  await sql`
    insert into events (writer, seq, day, at, kind, account, id, data)
    values (7, 1, '2025-01-10', now(), 'sent', 1, 1, '{}')
  `;
  await sql`insert into cursors (reader, writer, seq, day) values ('sink', 6, 1, '2025-01-09')`;
  await sql`
    insert into leases (kind, number, owner, epoch, expires_at)
    values ('reader:sink', 0, 'OW1', 1, ${today.toISOString()}::text::timestamptz)
  `;
  const after = (hours: number) => new Date(today.getTime() + hours * HOUR);
  expect(await dropOld(after(71))).not.toContain("events_20250110");
  expect(await dropOld(after(73))).toContain("events_20250110");
});

test("a message can be stored on both sides of midnight, and a week after the last look", async () => {
  await createPartitions(database.sql, longAgo);
  for (const day of ["2025-01-09", "2025-01-10", "2025-01-11", "2025-01-17"]) {
    await database.sql`
      insert into outcomes (shard, id, day, status, updated_at)
      values (0, 1, ${day}, 'sent', now())
    `;
  }
  const beyond = database.sql`
    insert into outcomes (shard, id, day, status, updated_at)
    values (0, 1, '2025-01-18', 'sent', now())
  `;
  await expect(beyond).rejects.toThrow(/no partition/);
  const nextMonth = new Date("2025-02-20T23:59:59.999Z"); // the database was away
  await createPartitions(database.sql, nextMonth);
  await database.sql`
    insert into outcomes (shard, id, day, status, updated_at)
    values (0, 1, '2025-02-21', 'sent', now())
  `;
});

test("two processes make the same day at once, and a backup that runs holds up neither", async () => {
  const { sql } = database;
  await sql.begin(async (backup) => {
    await backup`select count(*) from messages`;
    await Promise.all([createPartitions(sql, longAgo), createPartitions(sql, longAgo)]);
  });
  expect(await dropOld()).toContain("messages_20250110");
});

test("a day that a backup reads is dropped the next time", async () => {
  const { sql } = database;
  await createPartitions(sql, longAgo);
  await sql.begin(async (backup) => {
    await backup`select count(*) from messages`;
    expect(await dropOld()).not.toContain("messages_20250110");
  });
  expect(await dropOld()).toContain("messages_20250110");
});
