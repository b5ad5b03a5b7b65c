import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createDayLimits, type DayCharge, type DayLimit } from "./day-limits.ts";
import { readDayUsed } from "./day-share-store.ts";
import { endOwners, insertOwner } from "./store.ts";

let database: TestDatabase;
let now = new Date("2026-11-24T20:00:00Z");
let made = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const limitOf = (of: string, segmentsPerDay: number): DayLimit => ({
  ...{ kind: "brand day", of, segmentsPerDay, zone: "America/Los_Angeles", setBy: "the operator" },
});

/** A process that counts what it charges at once, as the statement of a claim does. */
async function startProcess() {
  const owner = `owner-${made++}`;
  const { sql } = database;
  await insertOwner(sql, { owner, ttlMs: 3_600_000 });
  const life = { number: 1 };
  const days = createDayLimits({
    ...{ sql, owner, life: () => life.number, clock: () => now },
    onError: (error) => {
      throw error;
    },
  });
  const count = async (charge: DayCharge) => {
    await sql`
      update day_shares set used = used + ${charge.segments}
      where key = ${charge.key} and day = ${charge.day} and owner = ${owner}
    `;
    charge.settle("counted");
  };
  /** Charges messages of so many segments as long as there is room. */
  const sendAll = async (limit: DayLimit, segments = 1) => {
    const meter = days.use(limit);
    const charges: DayCharge[] = [];
    for (;;) {
      if (meter.hasRoom(segments)) {
        const charge = meter.charge(segments);
        charges.push(charge);
        await count(charge);
      } else if (meter.usedUpUntil() !== undefined) return charges;
      else await new Promise((done) => setTimeout(done, 1));
    }
  };
  return { owner, days, sendAll, life, die: () => endOwners(sql, owner) };
}
const usedOf = async ({ kind, of }: DayLimit, day = "2026-11-24") =>
  (await readDayUsed(database.sql, { kind, of: [of], day })).get(of);

test("processes together use up a day to the last segment, and never pass it", async () => {
  const limit = limitOf("B1", 403);
  const processes = await Promise.all([startProcess(), startProcess(), startProcess()]);
  const sent = await Promise.all(processes.map(({ sendAll }) => sendAll(limit)));
  expect(sent.flat().length).toBe(403);
  expect(await usedOf(limit)).toBe(403);
});

test("what a dead process had claimed counts, and what it had not is there for the others", async () => {
  const limit = limitOf("B2", 200);
  const first = await startProcess();
  const meter = first.days.use(limit);
  await expect.poll(() => meter.hasRoom(1)).toBe(true);
  meter.charge(1);
  await first.die();
  const second = await startProcess();
  expect((await second.sendAll(limit)).length).toBe(200);
});

test("a process whose right has ended cannot count what others may send by now", async () => {
  const limit = limitOf("B3", 100);
  const first = await startProcess();
  const meter = first.days.use(limit);
  await expect.poll(() => meter.hasRoom(1)).toBe(true);
  const { key, day } = meter.charge(1);
  await first.die();
  await (await startProcess()).sendAll(limit);
  const late = database.sql`
    update day_shares set used = used + 1
    where key = ${key} and day = ${day} and owner = ${first.owner}
  `;
  await expect(late).rejects.toThrow(/day_shares_check/);
});

test("what was certainly not taken may be sent again on the same day", async () => {
  const limit = limitOf("B4", 100);
  const { sendAll } = await startProcess();
  const [refused] = await sendAll(limit);
  refused?.refund(1);
  await expect.poll(() => usedOf(limit), { timeout: 10_000 }).toBe(99);
  await expect.poll(async () => (await sendAll(limit)).length, { timeout: 10_000 }).toBe(1);
});

test("a claim of which nothing is known leaves the count as the database has it", async () => {
  const limit = limitOf("B5", 10);
  const { sendAll, days } = await startProcess();
  const meter = days.use(limit);
  await expect.poll(() => meter.hasRoom(1)).toBe(true);
  meter.charge(1).settle("unknown");
  expect((await sendAll(limit)).length).toBe(10);
});

test("a message that is longer than what is left waits, and a shorter one leaves", async () => {
  const limit = limitOf("B6", 10);
  const { sendAll } = await startProcess();
  expect((await sendAll(limit, 3)).length).toBe(3);
  expect((await sendAll(limit)).length).toBe(1);
});

test("a limit that is raised or lowered holds for what is left of the day", async () => {
  const { sendAll } = await startProcess();
  expect((await sendAll(limitOf("B7", 10))).length).toBe(10);
  expect((await sendAll(limitOf("B7", 15))).length).toBe(5);
  expect((await sendAll(limitOf("B7", 12))).length).toBe(0);
  expect((await sendAll(limitOf("B7", 20))).length).toBe(5);
});

test("the day turns at midnight of the limit's zone", async () => {
  const limit = limitOf("B8", 5);
  const { sendAll, days } = await startProcess();
  expect((await sendAll(limit)).length).toBe(5);
  expect(days.use(limit).usedUpUntil()).toEqual(new Date("2026-11-25T08:00:00Z"));
  now = new Date("2026-11-25T07:59:59Z");
  expect(days.use(limit).hasRoom(1)).toBe(false);
  now = new Date("2026-11-25T08:00:00Z");
  expect((await sendAll(limit)).length).toBe(5);
  expect(await usedOf(limit, "2026-11-25")).toBe(5);
});
