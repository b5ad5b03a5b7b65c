import { afterAll, beforeAll, expect, test } from "vitest";
import { createPartitions } from "../src/db/partitions.ts";
import type { Sql } from "../src/db/sql.ts";
import {
  passOthersEvents,
  readPositions,
  selectSharedEvents,
  writePositions,
} from "../src/events/share-store.ts";
import { DAY, utcDay } from "../src/lib/clock.ts";
import { firstIdAt, type MessageId, shardOf } from "../src/lib/message-id.ts";
import { type AcceptedRow, storeAccepted } from "../src/messages/accept-store.ts";
import {
  type Assignment,
  assignMessages,
  readDepths,
  readRecipients,
  readUnassigned,
} from "../src/messages/assign-store.ts";
import { type Claim, claimMessages } from "../src/messages/claim-store.ts";
import { recordDepartures } from "../src/messages/departure-store.ts";
import { recoverClaims, returnClaims } from "../src/messages/doubt-store.ts";
import { findOrInsertLane } from "../src/messages/lane-store.ts";
import { type Deferral, deferClaims, moveDue, nextDueAt } from "../src/messages/later-store.ts";
import { findBusyLanes, readHeads } from "../src/messages/queue-store.ts";
import {
  markReceipts,
  readParked,
  settleMessages,
  settleToday,
} from "../src/messages/receipt-store.ts";
import { cancelWaiting, findMessage, listMessages } from "../src/messages/store.ts";
import { createTestDatabase, insertTestAccount, type TestDatabase } from "./database.ts";

/** A quarter of a year of daily partitions, as retention leaves them. */
const DAYS = 90;
const COUNT = 20;

let database: TestDatabase;
let session: Awaited<ReturnType<Sql["reserve"]>>;
let lane = 0;
let account = 0;
const now = new Date();
const firstId = firstIdAt(now) as MessageId;
const ids = Array.from({ length: COUNT }, (_, index) => (firstId + BigInt(index)) as MessageId);
const shard = shardOf(firstId);
const position = { share: 0, writer: 1n, seq: 1n, day: "2026-01-01", isDone: false };
const stamp = (firstSeq: bigint) => ({ writer: 1n, firstSeq });

beforeAll(async () => {
  database = await createTestDatabase();
  const { sql, hot } = database;
  for (let day = DAYS; day > 0; day -= 8) {
    await createPartitions(sql, new Date(now.getTime() - day * DAY));
  }
  account = await insertTestAccount(sql);
  lane = await findOrInsertLane(sql, shard, { account, pool: "+1", sender: "+1" });
  await sql`insert into writers (owner) values ('test')`;
  await sql`
    insert into leases (kind, number, owner, epoch, expires_at)
    values ('shard', ${shard}, 'test', 1, now() + interval '1 hour')
  `;
  await storeAccepted(hot, { rows: ids.map(acceptedRow), isAgain: false }, stamp(1n));
  session = await hot.reserve();
});

afterAll(async () => {
  session.release();
  await database.close();
});

const acceptedRow = (id: MessageId): AcceptedRow => ({
  ...{ id, account, lane, laneCapacity: 1_000_000, pool: "+1", direction: "outbound-api" },
  ...{ sender: "+1", recipient: "+12025550123", body: "Hello", encoding: "GSM-7", segments: 1 },
  ...{ priority: 0, validUntil: new Date(now.getTime() + DAY), statusCallback: undefined },
  ...{ mayBeStored: false, isSimulated: false, options: undefined },
});
const assignmentOf = (id: MessageId): Assignment => ({
  queued: claimOf(id),
  ...{ to: { lane, sender: "+1", isSimulated: false }, data: {} },
});
const claimOf = (id: MessageId): Claim => ({
  ...{ shard, lane, priority: 0, id, attempt: 1, segments: 1, connector: "c", epoch: 1n },
  validUntil: new Date(now.getTime() + DAY),
});
const charge = {
  ...{ key: "brand day B", day: utcDay(now), segments: 1 },
  ...{ settle: () => undefined, refund: () => undefined },
};
const deferralOf = (id: MessageId): Deferral => ({
  ...{ claim: claimOf(id), account, dueAt: now, why: "quiet hours", submissions: [] },
});
const receiptOf = (id: MessageId) => ({
  ...{ carrierAccount: "c", carrierKey: `key-${id}`, receivedAt: now },
  receipt: {
    ...({ status: "delivered", errorCode: undefined, carrierCode: "DELIVRD" } as const),
    ...{ carrierMessageId: "x", doneDate: undefined },
  },
});
const departureOf = (id: MessageId) => ({
  claim: claimOf(id),
  message: {
    ...{ id, errorCode: null, account, sender: "+1", recipient: "+12025550123", body: "Hello" },
    ...{ statusCallback: null, isSimulated: false, whenUnknown: "resend" as const },
    ...{ options: null },
  },
  ...{ status: "sent" as const, errorCode: undefined, sentAt: now },
  waits: { queueMs: 1, paceMs: 1 },
  submissions: [
    {
      ...{ id, part: 1, parts: 1, attempt: 1, connector: "c", carrierAccount: "c" },
      ...{ carrierMessageId: `${id}`, carrierKey: `key-${id}`, answer: "accepted" },
      ...{ carrierCode: undefined, submittedAt: now },
    },
  ],
});
const settlementOf = (id: MessageId) => ({
  ...{ id, status: "delivered" as const, errorCode: undefined, doneDate: undefined },
});
const range = { account, limit: 51 };
const rowsFrom = (after: bigint) => ids.map((id) => acceptedRow((id + after) as MessageId));
const directly = {
  owner: "test",
  claims: new Map(rowsFrom(1000n).map(({ id }) => [id, { connector: "carrier", epoch: 1n }])),
};
const fromStart = { floors: [], done: [], afterWriter: 0n, limit: 500 };
const laneHead = { shard, priority: 0 as const, most: 200 };

/** Statement, and how many partitions it may look into; a batch is of messages of one day. */
const statements: [string, (sql: Sql) => Promise<unknown>, number][] = [
  [
    "accept",
    (sql) =>
      storeAccepted(sql, { rows: rowsFrom(1000n), isAgain: false, direct: directly }, stamp(100n)),
    1,
  ],
  [
    "accept in bulk",
    (sql) =>
      storeAccepted(sql, { rows: rowsFrom(2000n), isAgain: false, locksLast: true }, stamp(150n)),
    1,
  ],
  [
    "accept once more",
    (sql) => storeAccepted(sql, { rows: rowsFrom(1000n), isAgain: true }, stamp(200n)),
    1,
  ],
  ["recipients of a service", (sql) => readRecipients(sql, { account, pool: "+1" }, ids), 2],
  ["head of a service's lane", (sql) => readUnassigned(sql, { shard, lane }, 200), 0],
  ["depths of a pool", (sql) => readDepths(sql, { shard, account, pool: "+1" }), 0],
  [
    "senders of a service",
    (sql) =>
      assignMessages(
        sql,
        { account, pool: "+1" },
        { assignments: ids.map(assignmentOf), sticky: [{ recipient: "+1", sender: "+1" }] },
        stamp(500n),
      ),
    3,
  ],
  ["busy lanes", (sql) => findBusyLanes(sql, [shard]), 0],
  ["heads of lanes", (sql) => readHeads(sql, [{ ...laneHead, lane }]), 0],
  ["claim", (sql) => claimMessages(sql, ids.map(claimOf), "test", stamp(200n)), 1],
  [
    "claim under a day's limit",
    (sql) =>
      claimMessages(
        sql,
        ids.map((id) => ({ ...claimOf(id), charges: [charge] })),
        "test",
        stamp(600n),
      ),
    1,
  ],
  [
    "claims in doubt",
    (sql) => recoverClaims(sql, [{ shard, epoch: 1n }], { owner: "test", underWay: [] }),
    0,
  ],
  ["give claims back", (sql) => returnClaims(sql, ids, "test"), 0],
  ["defer", (sql) => deferClaims(sql, ids.map(deferralOf), "test", stamp(250n)), 0],
  ["what is due", (sql) => moveDue(sql, { shards: [shard], now, limit: 100 }), 0],
  ["the next that is due", (sql) => nextDueAt(sql, [shard]), 0],
  [
    "departures",
    (sql) =>
      recordDepartures(sql, ids.map(departureOf), {
        stamp: stamp(300n),
        priceOf: () => 8_300,
      }),
    2,
  ],
  ["receipts", (sql) => markReceipts(sql, ids.map(receiptOf), now), 8],
  [
    "receipts of today",
    (sql) => settleToday(sql, ids.map(receiptOf), { now, stamp: stamp(450n) }),
    3,
  ],
  ["settle", (sql) => settleMessages(sql, ids.map(settlementOf), stamp(400n)), 2],
  ["parked receipts", (sql) => readParked(sql, now, 100), 0],
  [
    "event reading",
    (sql) => selectSharedEvents(sql, [0, 1], { ...fromStart, oldestFirst: false }),
    5,
  ],
  [
    "oldest events of shares",
    (sql) => selectSharedEvents(sql, [0, 1], { ...fromStart, oldestFirst: true }),
    5,
  ],
  ["cursors", (sql) => writePositions(sql, "r", [position]), 0],
  ["cursors of a share", (sql) => readPositions(sql, "r", [0, 1]), 0],
  ["events of other shares", (sql) => passOthersEvents(sql, "r", [0, 1]), 5],
  ["one message", (sql) => findMessage(sql, { account, id: firstId }), 4],
  ["cancel", (sql) => cancelWaiting(sql, { id: firstId }, stamp(500n)), 2],
];

test.each(statements)("%s is served by indexes, in few partitions", async (_name, run, bound) => {
  for (const plan of await explain(run)) {
    const scans = nodesOf(plan);
    const read = scans
      .filter((node) => node["Actual Loops"] > 0)
      .map((node) => node["Relation Name"]);
    const partitions = new Set(read.filter((name) => /_\d{8}$/.test(name ?? "")));
    expect(
      scans.filter((node) => node["Node Type"] === "Seq Scan" && node["Actual Loops"] > 0),
    ).toEqual([]);
    expect(partitions.size).toBeLessThanOrEqual(bound);
  }
});

test.each([
  [
    "accept",
    (sql: Sql) =>
      storeAccepted(sql, { rows: rowsFrom(2000n), isAgain: false, direct: directly }, stamp(600n)),
  ],
  ["claim", (sql: Sql) => claimMessages(sql, ids.map(claimOf), "test", stamp(700n))],
])("%s finds a lane by its key, however many its shard has", async (_name, run) => {
  const read = (await explain(run)).flatMap(nodesOf);
  const lanes = read.filter((node) => node["Relation Name"] === "lanes" && node["Index Name"]);
  expect(lanes.length).toBeGreaterThan(0);
  expect(new Set(lanes.map((node) => node["Index Name"]))).toEqual(new Set(["lanes_pkey"]));
});

test.each([
  ["by recipient", { to: "+12025550123" }],
  ["by sender", { from: "+1" }],
])("the list %s reads the ends of indexes, newest days first", async (_name, filter) => {
  const [plan] = await explain((sql) => listMessages(sql, { ...range, account, ...filter }));
  const scans = plan === undefined ? [] : nodesOf(plan);
  expect(scans.length).toBeGreaterThan(0);
  expect(scans.filter((node) => node["Node Type"] === "Seq Scan")).toEqual([]);
});

test("a statement without an index would be seen", async () => {
  const [plan] = await explain(async (sql) => {
    await sql`select from messages where body = ${"x"} limit 1`;
  });
  const read = plan === undefined ? [] : nodesOf(plan);
  expect(read.some((node) => node["Node Type"] === "Seq Scan")).toBe(true);
});

type PlanNode = {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Loops": number;
  readonly Plans?: readonly PlanNode[];
};

function nodesOf(node: PlanNode): PlanNode[] {
  const own = node["Relation Name"] === undefined ? [] : [node];
  return [...own, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** Runs a store function, and the generic plans of its statements, on a hot connection; undone after. */
async function explain(run: (sql: Sql) => Promise<unknown>): Promise<PlanNode[]> {
  const seen: { text: string; parameters: unknown[] }[] = [];
  const { options } = database.hot;
  const debug = (_id: number, text: string, parameters: unknown[]) =>
    seen.push({ text, parameters });
  await session.unsafe("begin");
  Object.assign(options, { debug });
  try {
    await run(session);
  } finally {
    Object.assign(options, { debug: false });
    await session.unsafe("rollback");
  }
  const plans: PlanNode[] = [];
  await session.unsafe("begin");
  for (const { text, parameters } of seen) {
    await session.unsafe(`prepare explained as ${text}`);
    const values = parameters.length === 0 ? "" : `(${parameters.map(literal).join(", ")})`;
    const [row] = await session.unsafe<{ "QUERY PLAN": { Plan: PlanNode }[] }[]>(
      `explain (analyze, format json) execute explained ${values}`,
    );
    await session.unsafe("deallocate explained");
    const plan = row?.["QUERY PLAN"][0];
    if (plan !== undefined) plans.push(plan.Plan);
  }
  await session.unsafe("rollback");
  return plans;
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (value instanceof Date) return `'${value.toISOString()}'`;
  if (!Array.isArray(value)) return `'${String(value).replaceAll("'", "''")}'`;
  const items = value.map((item) =>
    item === null ? "null" : `"${String(item).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`,
  );
  return `'{${items.join(",").replaceAll("'", "''")}}'`;
}
