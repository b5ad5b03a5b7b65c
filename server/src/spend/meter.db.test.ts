import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, insertTestAccount, type TestDatabase } from "../../test/database.ts";
import type { SpendCap } from "./cap.ts";
import { upsertCap } from "./cap-store.ts";
import { createSpendMeter } from "./meter.ts";

let database: TestDatabase;
let account = 0;
let now = new Date("2026-11-24T12:00:00Z");

beforeAll(async () => {
  database = await createTestDatabase();
  account = await insertTestAccount(database.sql);
});
afterAll(() => database.close());

const capOf = async (country: string, dailyMicros: number): Promise<SpendCap> => {
  const cap = { account, country, dailyMicros, over: "refuse" } as const;
  await upsertCap(database.sql, cap, now);
  return cap;
};
const startMeter = () => {
  const reached: string[] = [];
  const meter = createSpendMeter({
    ...{ sql: database.sql, clock: () => now },
    onReached: ({ country }) => reached.push(country),
    onError: (error) => {
      throw error;
    },
  });
  /** Pays until the cap is reached; gives how many texts were paid. */
  const payAll = async (caps: readonly SpendCap[], micros: number) => {
    for (let paid = 0; ; ) {
      const payment = meter.pay(caps, micros);
      if (payment === "over") return paid;
      if (payment === "paid") paid += 1;
      else await new Promise((done) => setImmediate(done));
    }
  };
  return { ...meter, payAll, reached };
};
const takenOf = async (country: string) => {
  const [row] = await database.sql<{ taken: number }[]>`
    select sum(taken_micros)::float8 as taken from spend_days where country = ${country}
  `;
  return row?.taken;
};

test("two processes together never pass a cap, and use it to the last text that fits", async () => {
  const cap = await capOf("US", 1_000_500);
  const [one, two] = [startMeter(), startMeter()];
  const paid = await Promise.all([one.payAll([cap], 1_000), two.payAll([cap], 1_000)]);
  const sum = (paid[0] ?? 0) + (paid[1] ?? 0);
  expect(sum).toBeLessThanOrEqual(1_000);
  expect(sum).toBeGreaterThanOrEqual(980);
  expect([one.reached, two.reached]).toEqual([["US"], ["US"]]);
});

test("a text that passes one of its caps counts against neither", async () => {
  const [small, all] = [await capOf("FR", 2_000), await capOf("*", 1_000_000)];
  const meter = startMeter();
  expect(await meter.payAll([small, all], 1_000)).toBe(2);
  await meter.close();
  expect(await takenOf("*")).toBe(2_000);
});

test("what a process did not spend is there for the others when it stops", async () => {
  const cap = await capOf("DE", 100_000);
  const first = startMeter();
  while (first.pay([cap], 10) !== "paid") await new Promise((done) => setImmediate(done));
  await first.close();
  expect(await takenOf("DE")).toBe(10);
});

test("the next day has a budget of its own", async () => {
  const cap = await capOf("IT", 1_000);
  const meter = startMeter();
  expect(await meter.payAll([cap], 1_000)).toBe(1);
  now = new Date("2026-11-25T00:00:00Z");
  expect(await meter.payAll([cap], 1_000)).toBe(1);
});

test("a cap that is raised lets texts leave at once", async () => {
  const meter = startMeter();
  expect(await meter.payAll([await capOf("ES", 1_000)], 1_000)).toBe(1);
  expect(await meter.payAll([await capOf("ES", 3_000)], 1_000)).toBe(2);
});
