import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { createEventWriter } from "./log.ts";
import { createEventReader } from "./reader.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const writerOf = (owner: string) => createEventWriter({ sql: database.sql, owner });

async function append(writer: ReturnType<typeof writerOf>, ids: readonly number[]): Promise<void> {
  await writer.commit(ids.length, async ({ writer: number, firstSeq }) => {
    await database.sql`
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${number}, ${firstSeq} + place - 1, current_date, now(), 'sent', 1, id, '{}'
      from unnest(${ids.map(String)}::bigint[]) with ordinality as row (id, place)
    `;
  });
}

function readInto(ids: bigint[], reader: string, onBatch = async (): Promise<void> => undefined) {
  return createEventReader({
    sql: database.sql,
    reader,
    batchMax: 2,
    pollMs: 20,
    onBatch: async (events) => {
      await onBatch();
      ids.push(...events.map((event) => event.id));
    },
  });
}

test("every event of every writer is read, each writer's in order, also after a restart", async () => {
  const [first, second] = [writerOf("a"), writerOf("b")];
  await append(first, [1, 2, 3]);
  await append(second, [11, 12, 13]);
  const ids: bigint[] = [];
  const reader = readInto(ids, "all");
  await expect.poll(() => ids.length).toBe(6);
  await reader.close();
  await append(first, [4]);
  const again = readInto(ids, "all");
  await expect.poll(() => ids.length).toBe(7);
  await again.close();
  expect(ids.filter((id) => id < 10n)).toEqual([1n, 2n, 3n, 4n]);
  expect(ids.filter((id) => id > 10n)).toEqual([11n, 12n, 13n]);
});

test("a batch that fails is read again", async () => {
  const ids: bigint[] = [];
  let failures = 0;
  const reader = readInto(ids, "failing", async () => {
    failures += 1;
    if (failures === 1) throw new Error("The far end is away.");
  });
  await expect.poll(() => ids.length).toBe(7);
  await reader.close();
});

test("only one of two readers of a name reads", async () => {
  const ids: bigint[] = [];
  const readers = [readInto(ids, "single"), readInto(ids, "single")];
  await expect.poll(() => ids.length).toBe(7);
  expect(readers.map((reader) => reader.state().isHolder).sort()).toEqual([false, true]);
  await Promise.all(readers.map((reader) => reader.close()));
  expect(ids.length).toBe(7);
});

test("a writer that is closed and read to its end is looked at no more", async () => {
  const writer = writerOf("c");
  await append(writer, [21]);
  await writer.close();
  const ids: bigint[] = [];
  const reader = readInto(ids, "finishing");
  await expect
    .poll(() => database.sql`select from cursors where reader = 'finishing' and is_done`)
    .toHaveLength(1);
  await reader.close();
  expect(ids).toContain(21n);
});
