import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createTestDatabase, insertTestAccount, type TestDatabase } from "../../test/database.ts";
import { type Left, type Owner, type Routing, startOwner } from "../../test/owners.ts";
import { createEventWriter } from "../events/log.ts";
import { systemClock as clock, HOUR } from "../lib/clock.ts";
import { createIdWriter, type MessageId } from "../lib/message-id.ts";
import { limitWindow } from "../throughput/limiter.ts";
import { type AcceptedRow, storeAccepted } from "./accept-store.ts";
import { shardOfPool } from "./decide-message.ts";
import { findOrInsertLane } from "./lane-store.ts";
import type { Priority } from "./message.ts";

const wait = { timeout: 60_000, interval: 50 };

let database: TestDatabase;
let account = 0;
let made = 0;
let owners: Owner[] = [];
let left: Left[] = [];
let accepted = new Map<string, MessageId[]>();
/** Segments per second, by sender, and of all senders together. */
let rates = new Map<string, number>();
let accountRate = 1_000;
const errors: unknown[] = [];
const newId = createIdWriter(1, () => clock().getTime());

beforeAll(async () => {
  database = await createTestDatabase();
  account = await insertTestAccount(database.sql);
});
afterEach(async () => {
  await Promise.all(owners.map((owner) => owner.close()));
  owners = [];
  left = [];
  accepted = new Map();
});
afterAll(() => database.close());

const routing: Routing = ({ sender }, { connector, isShared }) => ({
  ...{ connector, segmentsPerSecond: rates.get(sender) ?? 1, isSenderShared: isShared },
  limits: [
    {
      ...({ kind: "account", of: "AC1", setBy: "the operator", isShared } as const),
      segmentsPerSecond: accountRate,
    },
  ],
});

async function join(): Promise<Owner> {
  made += 1;
  const onError = (error: unknown) => errors.push(error);
  const owner = await startOwner({ database, name: `owner-${made}`, left, routing, onError });
  owners.push(owner);
  return owner;
}

/** Stores texts of a sender in one of its pools, as a process that only accepts, or as who sends for it. */
async function put(
  pool: string,
  sender: string,
  count: number,
  { priority = 2, isByOwner = false }: { priority?: Priority; isByOwner?: boolean } = {},
) {
  const { sql, hot } = database;
  const shard = shardOfPool(account, pool);
  const lane = await findOrInsertLane(sql, shard, { account, pool, sender });
  const rows = Array.from({ length: count }, () =>
    rowOf(newId(shard), { lane, pool, sender, priority }),
  );
  const events = createEventWriter({ sql, owner: "acceptor" });
  const owner = owners.find((one) => isByOwner && !one.isFrozen() && one.owns(shard));
  const direct = owner?.dispatcher.direct.propose(rows);
  const batch = { rows, isAgain: false, direct };
  const verdicts = await events.commit(rows.length, (stamp) => storeAccepted(hot, batch, stamp));
  direct?.settle(verdicts);
  owner?.dispatcher.offer(rows.filter(({ id }) => verdicts.get(id) === "stored"));
  await events.close();
  const queue = `${pool} ${sender} ${priority}`;
  accepted.set(queue, [...(accepted.get(queue) ?? []), ...rows.map(({ id }) => id)]);
  for (const { dispatcher } of owners) dispatcher.hint([shard]);
}

function rowOf(
  id: MessageId,
  of: { lane: number; pool: string; sender: string; priority: Priority },
): AcceptedRow {
  return {
    ...of,
    ...{
      id,
      account,
      laneCapacity: 1_000_000,
      direction: "outbound-api",
      recipient: "+12025550123",
    },
    ...{
      body: "Hello",
      encoding: "GSM-7",
      segments: 1,
      validUntil: new Date(clock().getTime() + HOUR),
    },
    ...{ statusCallback: undefined, mayBeStored: false, isSimulated: false, options: undefined },
  };
}

/** The least by which a window is longer than its limit says; below nought it was exceeded. */
function slack(submissions: readonly Left[], rate: number): number {
  const { segments, ms } = limitWindow(rate);
  const instants = submissions.map(({ at }) => at).sort((one, other) => one - other);
  const spans = instants.slice(segments).map((at, place) => at - (instants[place] ?? 0));
  return Math.min(Number.POSITIVE_INFINITY, ...spans) - ms;
}

async function countSent(): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int from outcomes where status = 'sent'
      and id = any(${[...accepted.values()].flat().map(String)}::bigint[])
  `;
  return row?.count ?? 0;
}

test("a sender in two pools that two processes send for keeps its limit, also one below one a second", async () => {
  rates = new Map([
    ["+12025550001", 5],
    ["+12025550002", 0.7],
  ]);
  accountRate = 1_000;
  await Promise.all([join(), join()]);
  const owned = () => owners.map(({ countOwned }) => countOwned());
  await expect.poll(owned, wait).toEqual([128, 128]);
  const [first, second] = owners;
  const poolOf = (owner: Owner | undefined) => {
    for (let pool = 0; ; pool += 1) {
      if (owner?.owns(shardOfPool(account, `MG${pool}`))) return `MG${pool}`;
    }
  };
  for (const sender of rates.keys()) {
    for (const owner of [first, second]) {
      await put(poolOf(owner), sender, sender === "+12025550001" ? 20 : 3);
    }
  }
  await expect.poll(countSent, wait).toBe(46);
  for (const [sender, rate] of rates) {
    const from = left.filter((one) => one.sender === sender);
    expect(slack(from, rate)).toBeGreaterThanOrEqual(0);
    expect(new Set(from.map(({ owner }) => owner)).size).toBe(2);
  }
}, 90_000);

type Step = {
  action: "join" | "leave" | "freeze" | "thaw" | "none";
  which: number;
  passMs: number;
};
const texts = fc.record({
  sender: fc.nat(2),
  isInService: fc.boolean(),
  isByOwner: fc.boolean(),
  count: fc.integer({ min: 4, max: 16 }),
  priority: fc.constantFrom<Priority>(0, 1, 2, 3),
});
const step = fc.record({
  action: fc.constantFrom<Step["action"]>("join", "leave", "freeze", "thaw", "none"),
  which: fc.nat(3),
  passMs: fc.integer({ min: 0, max: 900 }),
});

test("whoever joins, leaves, dies and comes back, no window exceeds a limit, order holds, all is sent once", async () => {
  const plans = fc.array(fc.tuple(texts, step), { minLength: 6, maxLength: 10 });
  await fc.assert(fc.asyncProperty(plans, runPlan), {
    numRuns: 1,
    endOnFailure: true,
    seed: 170528472,
  });
}, 180_000);

async function runPlan(
  plan: readonly (readonly [
    {
      sender: number;
      isInService: boolean;
      isByOwner: boolean;
      count: number;
      priority: Priority;
    },
    Step,
  ])[],
) {
  const senders = ["+12025550011", "+12025550012", "+12025550013"] as const;
  rates = new Map([
    [senders[0], 3],
    [senders[1], 7.5],
    [senders[2], 20],
  ]);
  accountRate = 10;
  left.length = 0;
  accepted = new Map();
  /** Claimed when somebody died: whether they had left nobody knows. */
  const doubtful = new Set<MessageId>();
  await join();
  for (const [{ sender, isInService, count, ...how }, { action, which, passMs }] of plan) {
    const from = senders[sender] ?? senders[0];
    await put(isInService ? `MG${sender}` : from, from, count, how);
    await act(action, which, doubtful);
    await new Promise((done) => setTimeout(done, passMs));
  }
  await thawAll(doubtful);
  if (owners.length === 0) await join();
  const ids = [...accepted.values()].flat();
  await expect.poll(countSent, wait).toBe(ids.length);
  for (const [sender, rate] of rates) {
    expect(
      slack(
        left.filter((one) => one.sender === sender),
        rate,
      ),
    ).toBeGreaterThanOrEqual(0);
  }
  expect(slack(left, accountRate)).toBeGreaterThanOrEqual(0);
  const order = left.map(({ id }) => id);
  expect(order.filter((id, place) => order.indexOf(id) !== place && !doubtful.has(id))).toEqual([]);
  // What a frozen process had claimed comes again, or is given back, after the others of its lane.
  const again = new Set(doubtful);
  for (const { id, attempt } of left) if (attempt > 1) again.add(id);
  for (const queue of accepted.values()) {
    const certain = new Set(queue.filter((id) => !again.has(id)));
    expect(order.filter((id) => certain.has(id))).toEqual([...certain]);
  }
  await expect.poll(openCounts, wait).toEqual([]);
  await Promise.all(owners.splice(0).map((owner) => owner.close()));
  expect(errors).toEqual([]);
}

async function act(action: Step["action"], which: number, doubtful: Set<MessageId>): Promise<void> {
  const owner = owners[which % Math.max(1, owners.length)];
  if (action === "join" && owners.length < 3) await join();
  if (action === "thaw") await thawAll(doubtful);
  if (owner === undefined) return;
  if (action === "leave" && owners.length > 1 && !owner.isFrozen()) {
    owners = owners.filter((one) => one !== owner);
    await owner.close();
  }
  if (action !== "freeze") return;
  owner.freeze();
  await doubtClaims(doubtful);
}

/** A frozen process goes on claiming for as long as its right lasts, though nothing leaves. */
async function thawAll(doubtful: Set<MessageId>): Promise<void> {
  if (owners.some((owner) => owner.isFrozen())) await doubtClaims(doubtful);
  for (const { thaw } of owners) thaw();
}

async function doubtClaims(doubtful: Set<MessageId>): Promise<void> {
  const claimed = await database.sql<{ id: MessageId }[]>`select id from claims limit 1000`;
  for (const { id } of claimed) doubtful.add(id);
}

/** Lanes whose counters do not say that they are empty, or that are not. */
function openCounts() {
  return database.sql`
    select lane, (accepted - departed)::int as counted
    from lanes
    join lane_departures using (shard, lane)
    where accepted <> departed
      or exists (select from queue where queue.shard = lanes.shard and queue.lane = lanes.lane)
      or exists (select from claims where claims.shard = lanes.shard and claims.lane = lanes.lane)
  `;
}
