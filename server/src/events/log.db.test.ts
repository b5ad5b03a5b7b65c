import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createEventWriter, type EventWriter, type Stamp } from "./log.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const writerOf = (failedBatchMs?: number) =>
  createEventWriter({
    ...{ sql: database.sql, owner: "test" },
    ...(failedBatchMs === undefined ? {} : { failedBatchMs }),
  });

/** A batch that fails, and the writer that it leaves behind. */
async function failOne(writer: EventWriter): Promise<bigint> {
  let used = 0n;
  const failing = writer.commit(1, async (stamp: Stamp) => {
    used = stamp.writer;
    throw new Error("The connection was lost.");
  });
  await expect(failing).rejects.toThrow("lost");
  return used;
}

async function isClosed(writer: bigint): Promise<boolean | undefined> {
  const [row] = await database.sql<{ closed: boolean }[]>`
    select is_closed as closed from writers where writer = ${String(writer)}::bigint
  `;
  return row?.closed;
}

test("a writer whose batch failed is closed after a later batch has succeeded", async () => {
  const writer = writerOf(0);
  const failed = await failOne(writer);
  // The look of this test may itself be a transaction that holds it open: the next batch tries again.
  const closedByNext = async () => {
    await writer.commit(1, async () => undefined);
    return isClosed(failed);
  };
  await expect.poll(closedByNext).toBe(true);
  await writer.close();
});

test("it stays open while a transaction runs that began before: it may be the lost batch", async () => {
  const writer = writerOf(0);
  let failed = 0n;
  await database.sql.begin(async (transaction) => {
    await transaction`select 1`;
    failed = await failOne(writer);
    await writer.commit(1, async () => undefined);
    await writer.close();
    expect(await isClosed(failed)).toBe(false);
  });
});

test("it stays open for a minute, in which the lost batch may still reach the database", async () => {
  const writer = writerOf();
  const failed = await failOne(writer);
  await writer.commit(1, async () => undefined);
  await writer.close();
  expect(await isClosed(failed)).toBe(false);
});
