import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { createEventWriter } from "../events/log.ts";
import { countEvents, readUsage } from "./store.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

type Written = { kind: string; account: number; data: Record<string, string | number> };

async function append(events: readonly Written[]): Promise<void> {
  const { sql } = database;
  await createEventWriter({ sql, owner: "test" }).commit(events.length, async (stamp) => {
    for (const [index, { kind, account, data }] of events.entries()) {
      await sql`
        insert into events (writer, seq, day, at, kind, account, id, data)
        values (${stamp.writer}, ${stamp.firstSeq + BigInt(index)}, current_date, now(), ${kind},
          ${account}, 1, ${sql.json(data)})
      `;
    }
  });
}

const allOf = (account: number) =>
  readUsage(database.sql, {
    ...{ accounts: [account], from: "2000-01-01", until: "2093-01-01", period: "all" },
  });
const sent = (account: number): Written => ({
  ...{ kind: "sent", account, data: { from: "+12025550100", segments: 2, priceMicros: 15_800 } },
});

test("each kind of text is summed apart, with its segments and its price", async () => {
  await append([
    sent(1),
    { kind: "sent", account: 1, data: { from: "72345", segments: 1 } },
    { kind: "received", account: 1, data: { from: "+12025550101", to: "72345", segments: 3 } },
    { kind: "delivered", account: 1, data: { from: "+12025550100" } },
  ]);
  expect(await countEvents(database.sql, 100)).toBe(4);
  const one = { start: "2000-01-01", messages: 1n };
  const expected = [
    { ...one, direction: "inbound", sender: "shortcode", segments: 3n, priceMicros: 0n },
    { ...one, direction: "outbound", sender: "longcode", segments: 2n, priceMicros: 15_800n },
    { ...one, direction: "outbound", sender: "shortcode", segments: 1n, priceMicros: 0n },
  ];
  const found = await allOf(1);
  expect(found).toHaveLength(3);
  expect(found).toEqual(expect.arrayContaining(expected));
});

test("a text that the carrier refused counts only when it took a part that costs", async () => {
  const from = "+12025550100";
  await append([
    { kind: "failed", account: 2, data: { from, segments: 1 } },
    { kind: "failed", account: 2, data: { from, segments: 2, priceMicros: 7_900 } },
  ]);
  await countEvents(database.sql, 100);
  expect(await allOf(2)).toMatchObject([{ messages: 1n, segments: 2n, priceMicros: 7_900n }]);
});

test("each event counts once, however many count at a time and in however small batches", async () => {
  await append(Array.from({ length: 50 }, () => sent(3)));
  await append(Array.from({ length: 50 }, () => sent(3)));
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 10; round += 1) await countEvents(database.sql, 7);
    }),
  );
  while ((await countEvents(database.sql, 7)) > 0);
  expect(await allOf(3)).toMatchObject([
    { messages: 100n, segments: 200n, priceMicros: 1_580_000n },
  ]);
});

test("what could not be committed is counted again, and only once", async () => {
  await append([sent(4)]);
  const { sql } = database;
  await sql`alter table usage_days add constraint full_disk check (account <> 4)`;
  await expect(countEvents(sql, 100)).rejects.toThrow("full_disk");
  await sql`alter table usage_days drop constraint full_disk`;
  expect(await countEvents(sql, 100)).toBe(1);
  expect(await countEvents(sql, 100)).toBe(0);
  expect(await allOf(4)).toMatchObject([{ messages: 1n }]);
});
