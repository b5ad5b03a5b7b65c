import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { SLOT_BITS, WRITER_SLOT_COUNT } from "../lib/message-id.ts";
import { takeOneLease } from "./store.ts";
import { holdWriterSlot, type WriterSlot } from "./writer-slot.ts";

let database: TestDatabase;
let moved = 0;
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await database.close();
});

async function hold(owner: string): Promise<WriterSlot> {
  const slot = await holdWriterSlot({
    ...{ sql: database.sql, owner, clock: () => new Date() },
    onError: () => undefined,
    monotonic: () => performance.now() + moved,
  });
  closers.push(slot.close);
  return slot;
}

const slotOf = ({ newId }: WriterSlot) => Number(newId(0) & BigInt(SLOT_BITS)) >> 8;

/** Everyone sleeps, and the database's clock goes on. */
async function sleep(ms: number): Promise<void> {
  const by = `${ms} milliseconds`;
  await database.sql`update leases set expires_at = expires_at - ${by}::interval`;
  moved += ms;
}

test("a process that slept longer than its lease makes no id until it is renewed", async () => {
  const slot = await hold("a");
  const before = slotOf(slot);
  await sleep(20_000);
  expect(slotOf(slot)).toBe(before);
  await sleep(8_000);
  expect(() => slot.newId(0)).toThrowError(expect.objectContaining({ status: 503, code: 20503 }));
  await expect.poll(() => slotOf(slot), { timeout: 3_000 }).toBe(before);
});

test("one whose slot another has meanwhile takes another one", async () => {
  const slot = await hold("a");
  const before = slotOf(slot);
  await sleep(31_000);
  const others = { kind: "slot", count: before + 1, owner: "b", ttlMs: 60_000 };
  while ((await takeOneLease(database.sql, others)) !== undefined);
  expect(() => slot.newId(0)).toThrowError(expect.objectContaining({ code: 20503 }));
  await expect.poll(() => slotOf(slot), { timeout: 3_000 }).toBeGreaterThan(before);
});

test("a process too many does not start, and does half a minute after others were killed", async () => {
  const { sql } = database;
  const killed = { kind: "slot", count: WRITER_SLOT_COUNT, owner: "killed", ttlMs: 30_000 };
  for (let slot = 0; slot < WRITER_SLOT_COUNT; slot += 1) await takeOneLease(sql, killed);
  await expect(hold("a")).rejects.toThrowError("64 Longwave processes run on this database");
  await sleep(30_001);
  expect(slotOf(await hold("a"))).toBe(0);
});
