import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { connectDirect } from "../db/connect.ts";
import type { Sql } from "../db/sql.ts";
import { createIdWriter } from "../lib/message-id.ts";
import { createEventWriter } from "./log.ts";
import { createEventReader, type EventReader } from "./reader.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
const connections: Sql[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  for (const sql of connections) await sql.end({ timeout: 0 });
  await database.close();
});

const writerOf = (owner: string) => createEventWriter({ sql: database.sql, owner });

async function append(
  writer: ReturnType<typeof writerOf>,
  ids: readonly (number | bigint)[],
): Promise<void> {
  await writer.commit(ids.length, async ({ writer: number, firstSeq }) => {
    await database.sql`
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${number}, ${firstSeq} + place - 1, current_date, now(), 'sent', 1, id, '{}'
      from unnest(${ids.map(String)}::bigint[]) with ordinality as row (id, place)
    `;
  });
}

type Heard = { readonly id: bigint; readonly seq: bigint; readonly by: number };

/** A process's reader, on a connection of its own. */
function readInto(heard: Heard[], reader: string, onBatch = async (): Promise<void> => undefined) {
  const by = connections.length;
  const sql = connectDirect(database.address);
  connections.push(sql);
  const process = createEventReader({
    ...{ sql, reader, batchMax: 2, pollMs: 20 },
    onBatch: async (events) => {
      await onBatch();
      heard.push(...events.map(({ id, seq }) => ({ id, seq, by })));
    },
  });
  /** Nothing of it reaches the database any more. */
  return Object.assign(process, { die: () => sql.end({ timeout: 0 }) });
}

const idsOf = (heard: readonly Heard[]) => heard.map(({ id }) => id);
const sharesOf = (readers: readonly EventReader[]) => readers.map((one) => one.state().shares);
/** Of many milliseconds, and so of all shares. */
const newIds = (count: number) => {
  let ms = Date.now();
  const newId = createIdWriter(1, () => ms++);
  return Array.from({ length: count }, () => newId(0));
};

test("every event of every writer is read, each writer's in order, also after a restart", async () => {
  const [first, second] = [writerOf("a"), writerOf("b")];
  await append(first, [1, 2, 3]);
  await append(second, [11, 12, 13]);
  const heard: Heard[] = [];
  const reader = readInto(heard, "all");
  await expect.poll(() => heard.length).toBe(6);
  await reader.close();
  await append(first, [4]);
  const again = readInto(heard, "all");
  await expect.poll(() => heard.length).toBe(7);
  await again.close();
  expect(idsOf(heard).filter((id) => id < 10n)).toEqual([1n, 2n, 3n, 4n]);
  expect(idsOf(heard).filter((id) => id > 10n)).toEqual([11n, 12n, 13n]);
});

test("with more unread than a batch, what was written first is read first, whoever wrote it", async () => {
  const [first, second] = [writerOf("early"), writerOf("late")];
  await append(first, [100]);
  await append(second, [101, 102, 103, 104, 105]);
  await append(first, [106, 107, 108, 109, 110]);
  const heard: Heard[] = [];
  const reader = readInto(heard, "behind");
  const own = () => idsOf(heard).filter((id) => id >= 100n && id <= 110n);
  await expect.poll(() => own().length).toBe(11);
  await reader.close();
  expect(own()).toEqual(Array.from({ length: 11 }, (_, index) => BigInt(100 + index)));
});

test("a batch that fails is read again", async () => {
  const heard: Heard[] = [];
  let failures = 0;
  const reader = readInto(heard, "failing", async () => {
    failures += 1;
    if (failures === 1) throw new Error("The far end is away.");
  });
  await expect.poll(() => heard.length).toBe(18);
  await reader.close();
});

test("processes that join and leave share the messages, each event is read once and in order", async () => {
  const writer = writerOf("sharing");
  const own = newIds(200);
  const heard: Heard[] = [];
  const ofOwn = () => heard.filter(({ id }) => own.includes(id));
  const first = readInto(heard, "shared");
  await expect.poll(() => sharesOf([first])).toEqual([16]);
  const second = readInto(heard, "shared");
  for (let from = 0; from < own.length; from += 10) {
    await append(writer, own.slice(from, from + 10));
  }
  await expect.poll(() => sharesOf([first, second])).toEqual([8, 8]);
  await append(writer, own);
  await expect.poll(() => ofOwn().length).toBeGreaterThanOrEqual(400);
  await first.close();
  await append(writer, own);
  await expect.poll(() => ofOwn().length).toBeGreaterThanOrEqual(600);
  await second.close();
  expect(ofOwn().length).toBe(600);
  expect(new Set(ofOwn().map(({ by }) => by)).size).toBe(2);
  for (const id of own) {
    const seqs = ofOwn().flatMap((event) => (event.id === id ? [event.seq] : []));
    expect(seqs).toEqual(seqs.toSorted((one, other) => Number(one - other)));
  }
});

test("what a process that died has not read is read by another, and nothing is lost", async () => {
  const writer = writerOf("dying");
  const own = newIds(100);
  const heard: Heard[] = [];
  const first = readInto(heard, "bereaved");
  const second = readInto(heard, "bereaved");
  await expect.poll(() => sharesOf([first, second])).toEqual([8, 8]);
  await first.die();
  await append(writer, own);
  await expect.poll(() => sharesOf([first, second])).toEqual([0, 16]);
  const unheard = () => {
    const known = new Set(idsOf(heard));
    return own.filter((id) => !known.has(id));
  };
  await expect.poll(unheard).toEqual([]);
  await second.close();
});

test("a writer that is closed and read to its end is looked at no more, whoever's its events are", async () => {
  const writer = writerOf("c");
  await append(writer, [21]);
  await writer.close();
  const heard: Heard[] = [];
  const reader = readInto(heard, "finishing");
  await expect
    .poll(
      () =>
        database.sql`select from cursors where reader like 'finishing/%' and is_done and seq = 1`,
    )
    .toHaveLength(16);
  await reader.close();
  expect(idsOf(heard)).toContain(21n);
});
