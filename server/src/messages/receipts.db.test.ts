import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import type { Receipt } from "../connectors/connector.ts";
import { createEventWriter } from "../events/log.ts";
import { DAY, systemClock, utcDay } from "../lib/clock.ts";
import { createIdWriter, dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import { createReceipts, type Receipts } from "./receipts.ts";

let database: TestDatabase;
let receipts: Receipts;
const errors: unknown[] = [];
/** Where a test moves the time itself. */
let setMs: number | undefined;
const clock = () => (setMs === undefined ? systemClock() : new Date(setMs));
const newId = createIdWriter(1, () => clock().getTime());

beforeEach(async () => {
  database = await createTestDatabase();
  const writer = createEventWriter({ sql: database.sql, owner: "test" });
  receipts = createReceipts({
    ...{ hot: database.hot, clock, writer, onSettled: () => undefined },
    onError: (error) => errors.push(error),
  });
});
afterEach(async () => {
  setMs = undefined;
  await receipts.close();
  await database.close();
  expect(errors).toEqual([]);
});

const delivered: Receipt = {
  ...{ status: "delivered", errorCode: undefined, carrierCode: "DELIVRD" },
  ...{ carrierMessageId: "x", doneDate: undefined },
};

async function recordSubmissions(ids: readonly MessageId[]) {
  await database.sql`
    insert into submissions (shard, id, part, attempt, day, parts, connector, carrier_account,
      carrier_message_id, carrier_key, answer, submitted_at)
    select shard, id, 1, 1, current_date, 1, 'carrier', 'carrier', id, id, 'accepted', now()
    from unnest(${ids.map(shardOf)}::smallint[], ${ids.map(String)}::bigint[]) as item(shard, id)
  `;
  receipts.notify();
}

async function count(): Promise<{ parked: number; matched: number }> {
  const [row] = await database.sql<{ parked: number; matched: number }[]>`
    select (select count(*)::int from parked_receipts) as parked,
      (select count(*)::int from submissions where receipt_status = 'delivered') as matched
  `;
  return row ?? { parked: -1, matched: -1 };
}

test("receipts that come just before their submissions are matched at once, none is parked", async () => {
  const ids = Array.from({ length: 200 }, (_, index) => newId(index));
  const recorded = ids.map((id) => receipts.record("carrier", String(id), delivered));
  await recordSubmissions(ids.slice(0, 100));
  await recordSubmissions(ids.slice(100));
  await Promise.all(recorded);
  expect(await count()).toEqual({ parked: 0, matched: 200 });
});

test("a receipt is durable when it is taken, also when its submission comes much later", async () => {
  const id = newId(1);
  await receipts.record("carrier", String(id), delivered);
  expect(await count()).toEqual({ parked: 1, matched: 0 });
  await recordSubmissions([id]);
  await expect.poll(count).toEqual({ parked: 0, matched: 1 });
});

test("a receipt without a submission is tried after 1 s, 5 s, 30 s, 5 min and 72 h, then given up", async () => {
  let nowMs = systemClock().getTime();
  setMs = nowMs;
  await receipts.record("carrier", "nobody", delivered);
  const parked = async () => {
    const [row] = await database.sql<{ tries: number; waitSeconds: number }[]>`
      select tries, round(extract(epoch from due_at - ${new Date(nowMs)}))::int as "waitSeconds"
      from parked_receipts
    `;
    return row;
  };
  for (const [tries, waitSeconds] of [1, 5, 30, 300, 259_200].entries()) {
    await expect.poll(parked).toEqual({ tries, waitSeconds });
    nowMs += waitSeconds * 1_000;
    setMs = nowMs;
  }
  await expect.poll(parked).toBeUndefined();
});

test("what is final stays: a later receipt that says otherwise changes nothing", async () => {
  const id = newId(1);
  await recordSubmissions([id]);
  await receipts.record("carrier", String(id), delivered);
  const undelivered = { ...delivered, status: "undelivered", errorCode: 30005 } as const;
  await receipts.record("carrier", String(id), undelivered);
  await receipts.record("carrier", String(id), { ...delivered, status: "sent" });
  expect(await count()).toEqual({ parked: 0, matched: 1 });
});

test("a receipt ends its message, of today or of before midnight", async () => {
  const { sql } = database;
  const midnight = Math.floor(systemClock().getTime() / DAY) * DAY;
  const writeId = (ms: number) => createIdWriter(1, () => midnight + ms)(7);
  // Accepted and submitted yesterday; accepted yesterday, submitted today; both today.
  const cases = [
    { id: writeId(-2_000), submittedMs: -1_000 },
    { id: writeId(-1), submittedMs: 1 },
    { id: writeId(0), submittedMs: 1 },
  ];
  const account = await insertMessages(cases.map(({ id }) => id));
  for (const { id, submittedMs } of cases) {
    const at = new Date(midnight + submittedMs);
    await sql`
      insert into submissions (shard, id, part, attempt, day, parts, connector, carrier_account,
        carrier_message_id, carrier_key, answer, submitted_at)
      values (${shardOf(id)}, ${String(id)}::bigint, 1, 1, ${utcDay(at)}, 1, 'carrier', 'carrier',
        ${String(id)}::text, ${String(id)}::text, 'accepted', ${at})
    `;
  }
  await Promise.all(cases.map(({ id }) => receipts.record("carrier", String(id), delivered)));
  expect(await count()).toEqual({ parked: 0, matched: 3 });
  expect(await sql`select distinct status from outcomes`).toEqual([{ status: "delivered" }]);
  expect(await sql`select kind, account, data ->> 'to' as "to" from events order by id`).toEqual(
    cases.map(() => ({ kind: "delivered", account, to: "+12025550123" })),
  );
});

async function insertMessages(ids: readonly MessageId[]): Promise<number> {
  const account = 1;
  for (const id of ids) {
    await database.sql`
      with stored as (
        insert into messages (shard, id, day, account, direction, sender, recipient, body, encoding,
          segments, priority, is_simulated)
        values (${shardOf(id)}, ${String(id)}::bigint, ${dayOf(id)}, ${account}, 'outbound-api',
          '+1', '+12025550123', 'Hello', 'GSM-7', 1, 0, false)
      )
      insert into outcomes (shard, id, day, status, updated_at)
      values (${shardOf(id)}, ${String(id)}::bigint, ${dayOf(id)}, 'sent', now())
    `;
  }
  return account;
}

test("a close does not wait for submissions: what is early is parked", async () => {
  const recorded = receipts.record("carrier", String(newId(1)), delivered);
  await receipts.close();
  expect(await count()).toEqual({ parked: 1, matched: 0 });
  await recorded;
});

test("more early receipts than are held in memory are parked, none is lost", async () => {
  const ids = Array.from({ length: 2_500 }, (_, index) => newId(index % 256));
  await Promise.all(ids.map((id) => receipts.record("carrier", String(id), delivered)));
  expect(await count()).toEqual({ parked: 2_500, matched: 0 });
});

test("a receipt that cannot be kept is not acknowledged", async () => {
  await database.sql`alter table parked_receipts rename to away`;
  const recorded = receipts.record("carrier", String(newId(1)), delivered);
  await expect(recorded).rejects.toThrow("parked_receipts");
  await database.sql`alter table away rename to parked_receipts`;
  await receipts.record("carrier", String(newId(2)), delivered);
  expect(await count()).toEqual({ parked: 1, matched: 0 });
  errors.length = 0; // of sweeps while the table was away
});
