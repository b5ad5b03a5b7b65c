import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, insertTestAccount, type TestDatabase } from "../../test/database.ts";
import { systemClock as clock, HOUR } from "../lib/clock.ts";
import { createIdWriter, type MessageId } from "../lib/message-id.ts";
import { type AcceptedRow, isLaneFull, storeAccepted } from "./accept-store.ts";
import { shardOfPool } from "./decide-message.ts";
import { findOrInsertLane } from "./lane-store.ts";

const CAPACITY = 100;
const newId = createIdWriter(1, () => clock().getTime());

let database: TestDatabase;
let account = 0;
let nextSeq = 1n;

beforeAll(async () => {
  database = await createTestDatabase();
  account = await insertTestAccount(database.sql);
});
afterAll(() => database.close());

/** A lane of its own for a test, and rows of one segment each for it. */
async function laneOf(sender: string) {
  const shard = shardOfPool(account, sender);
  const lane = await findOrInsertLane(database.sql, shard, { account, pool: sender, sender });
  const rows = (count: number): AcceptedRow[] =>
    Array.from({ length: count }, () => ({
      ...{ id: newId(shard), account, lane, laneCapacity: CAPACITY, pool: sender, sender },
      ...{ direction: "outbound-api", recipient: "+12025550123", body: "Hello", segments: 1 },
      ...{ encoding: "GSM-7", priority: 2, validUntil: new Date(clock().getTime() + HOUR) },
      ...{ statusCallback: undefined, mayBeStored: false, isSimulated: false, options: undefined },
    }));
  return { shard, lane, rows };
}

function storeLockingLast(rows: readonly AcceptedRow[]) {
  const stamp = { writer: 1n, firstSeq: nextSeq };
  nextSeq += BigInt(rows.length);
  return storeAccepted(database.hot, { rows, isAgain: false, locksLast: true }, stamp);
}

/** What the lane's counter says, what stands in its queue, and how many of its messages there are. */
async function countsOf(lane: number) {
  const [counts] = await database.sql<{ counter: number; queued: number; messages: number }[]>`
    select accepted::int as counter,
      (select count(*)::int from queue where queue.lane = lanes.lane) as queued,
      (select count(*)::int from messages where messages.lane = lanes.lane) as messages
    from lanes
    where lane = ${lane}
  `;
  return counts;
}

async function isWaitingForLane(): Promise<boolean> {
  const waiting = await database.sql`
    select from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
  `;
  return waiting.length > 0;
}

test("a batch that locks its lane last stores what one that locks it before does", async () => {
  const { lane, rows } = await laneOf("+12025550001");
  const batch = rows(3);
  const optedOut = "+12025550199";
  await database.sql`
    insert into opt_outs (account, pool, recipient, source, opted_out_at)
    values (${account}, '+12025550001', ${optedOut}, 'api', now())
  `;
  const [first, second, third] = batch as [AcceptedRow, AcceptedRow, AcceptedRow];
  const verdicts = await storeLockingLast([first, { ...second, recipient: optedOut }, third]);
  const told = ({ id }: { readonly id: MessageId }) => verdicts.get(id);
  expect([first, second, third].map(told)).toEqual(["stored", "opted out", "stored"]);
  expect(await countsOf(lane)).toEqual({ counter: 2, queued: 2, messages: 2 });
});

test("a lane takes exactly what it has room for from batches that come at once", async () => {
  const { lane, rows } = await laneOf("+12025550002");
  const batches = Array.from({ length: 6 }, () => storeLockingLast(rows(30)));
  const results = await Promise.allSettled(batches);
  const taken = results.filter((one) => one.status === "fulfilled" && one.value.size === 30);
  const refused = results.filter((one) =>
    one.status === "rejected" ? isLaneFull(one.reason) : one.value.size === 0,
  );
  expect([taken.length, refused.length]).toEqual([3, 3]);
  const counts = { counter: 90, queued: 90, messages: 90 };
  expect(await countsOf(lane)).toEqual(counts);
  expect((await storeLockingLast(rows(30))).size).toBe(0);
  expect(await countsOf(lane)).toEqual(counts);
});

test.each([
  ["it filled meanwhile", `accepted = ${CAPACITY - 5}`],
  ["it is drained meanwhile", `drained_by = 'AC1'`],
])(
  "nothing of a batch is stored whose lane has no room when it is locked: %s",
  async (_, change) => {
    const sender = `+1202555${1000 + change.length}`;
    const { lane, rows } = await laneOf(sender);
    let storing: Promise<unknown> | undefined;
    await database.sql.begin(async (transaction) => {
      await transaction.unsafe(`update lanes set ${change} where lane = ${lane}`);
      storing = storeLockingLast(rows(10)).then(
        () => "stored",
        (error: unknown) => isLaneFull(error),
      );
      await expect.poll(isWaitingForLane).toBe(true);
    });
    expect(await storing).toBe(true);
    expect(await countsOf(lane)).toMatchObject({ queued: 0, messages: 0 });
  },
);
