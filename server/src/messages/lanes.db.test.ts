import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, insertTestAccount, type TestDatabase } from "../../test/database.ts";
import { allowed } from "../compliance/verdict.ts";
import type { Connector, Submission, SubmitResult } from "../connectors/connector.ts";
import { createEventWriter } from "../events/log.ts";
import { systemClock as clock } from "../lib/clock.ts";
import { createIdWriter } from "../lib/message-id.ts";
import { holdShards, type ShardLeases } from "../throughput/leases.ts";
import { createLimiters } from "../throughput/limiters.ts";
import { type Accepter, createAccepter } from "./accept.ts";
import { type NewMessage, shardOfPool } from "./decide-message.ts";
import { createDispatcher, type Dispatcher } from "./dispatch.ts";
import { holdLane, type LaneHold } from "./lane-store.ts";
import type { MessageStatus } from "./message.ts";
import { findMessage } from "./store.ts";

let database: TestDatabase;
let leases: ShardLeases;
let accepter: Accepter;
let dispatcher: Dispatcher;
let account = 0;
let segmentsPerSecond = 1000;
const submitted: Submission[] = [];
const accepted = ({ id, part }: Submission): SubmitResult => ({
  kind: "accepted",
  carrierMessageId: `${id}-${part}`,
});
let answer = accepted;
let slots = 100;
const carrier: Connector = {
  ...{ name: "carrier", carrierAccount: "carrier", isSimulated: false, optOutsUpstream: false },
  freeSlots: () => slots,
  submit: (submission) => {
    submitted.push(submission);
    return Promise.resolve(answer(submission));
  },
  state: () => ({ phase: "bound", window: 100, inFlight: 0 }),
  close: () => Promise.resolve(),
};

beforeAll(async () => {
  database = await createTestDatabase();
  const { sql, hot } = database;
  account = await insertTestAccount(sql);
  const writer = () => createEventWriter({ sql, owner: "test" });
  const onError = (error: unknown) => {
    throw error;
  };
  dispatcher = createDispatcher({
    ...{ priceOf: () => undefined, whenUnknownOf: () => "resend" as const },
    ...{ hot, clock, owner: "test", onError, onRecorded: () => undefined },
    epochOf: (shard) => leases.epochOf(shard),
    writers: { claims: writer(), departures: writer(), deferrals: writer() },
    judge: () => ({ kind: "allowed" }),
    routeOf: () => ({ segmentsPerSecond, connector: carrier }),
    ...{ limiters: createLimiters(), carrierKey: (id) => id },
  });
  const gained: [readonly number[], number][] = [];
  leases = await holdShards({
    ...{ sql, owner: "test", now: () => clock().getTime(), onError },
    onGained: (...gain) => gained.push(gain),
  });
  for (const gain of gained) dispatcher.gain(...gain);
  accepter = createAccepter({
    ...{ hot, bulk: hot, clock, newId: createIdWriter(1, () => clock().getTime()) },
    writers: { single: writer(), bulk: writer() },
    isSimulated: () => false,
    judge: () => allowed,
    direct: dispatcher.direct,
    onStored: (rows) => dispatcher.offer(rows),
  });
});

afterAll(async () => {
  await accepter.close();
  await dispatcher.close();
  await leases.close();
  await database.close();
});

const text = (number: string, changes: Partial<NewMessage> = {}): NewMessage => ({
  sender: { number, segmentsPerSecond, maxQueueSeconds: 3600, connector: "carrier" },
  ...{ account, recipient: "+12025550123", body: "Hello", direction: "outbound-api" },
  ...changes,
});
const send = async (number: string, changes: Partial<NewMessage> = {}) =>
  (await accepter.accept(text(number, changes))).id;
const leftOf = (number: string) => submitted.filter(({ sender }) => sender === number);

/** Holds a lane as a request does: the row, then the word to its owner. */
async function hold(number: string, change: LaneHold) {
  const key = { account, pool: number, sender: number, shard: shardOfPool(account, number) };
  await holdLane(database.sql, key, change);
  dispatcher.sweep();
}

async function becomes(id: bigint, status: MessageStatus) {
  await expect
    .poll(async () => (await findMessage(database.sql, { account, id }))?.status)
    .toBe(status);
}

/** A lane with one message sent, then paused; the second lane's message shows that time went on. */
async function pausedLane(number: string) {
  await becomes(await send(number), "sent");
  await hold(number, { pausedBy: "AC1" });
  await expect.poll(async () => (await database.sql`select from claims`).length).toBe(0);
}

test("nothing leaves a paused lane, another goes on; resumed, it leaves in its order", async () => {
  await pausedLane("+12025550001");
  const before = leftOf("+12025550001").length;
  const ids = [];
  for (let index = 0; index < 5; index += 1) ids.push(await send("+12025550001"));
  await becomes(await send("+12025550002"), "sent");
  expect(leftOf("+12025550001").length).toBe(before);
  await hold("+12025550001", { pausedBy: null });
  await becomes(ids.at(-1) ?? 0n, "sent");
  expect(
    leftOf("+12025550001")
      .slice(before)
      .map(({ id }) => id),
  ).toEqual(ids);
});

test("what is claimed when its lane is paused goes back to its place; a text that has begun ends", async () => {
  segmentsPerSecond = 2;
  const long = await send("+12025550003", { body: "x".repeat(600) });
  await expect.poll(() => leftOf("+12025550003").length).toBe(1);
  const waiting = [await send("+12025550003"), await send("+12025550003")];
  await hold("+12025550003", { pausedBy: "AC1" });
  await becomes(long, "sent");
  await expect.poll(async () => (await database.sql`select from claims`).length).toBe(0);
  expect(new Set(leftOf("+12025550003").map(({ id }) => id))).toEqual(new Set([long]));
  for (const id of waiting) await becomes(id, "queued");
  segmentsPerSecond = 1000;
  await hold("+12025550003", { pausedBy: null });
  await becomes(waiting.at(-1) ?? 0n, "sent");
  expect(
    leftOf("+12025550003")
      .slice(4)
      .map(({ id }) => id),
  ).toEqual(waiting);
});

test("a message that waits in a paused lane fails with 30036 when its validity ends", async () => {
  await pausedLane("+12025550004");
  const id = await send("+12025550004", { validityS: 1 });
  await becomes(id, "failed");
  expect((await findMessage(database.sql, { account, id }))?.errorCode).toBe(30036);
});

test("a text that its carrier asked to have later is not sent again in the pause", async () => {
  answer = () => ({ kind: "throttled", retryAfterMs: 1_500, carrierCode: "0x58" });
  const id = await send("+12025550005", { validityS: 3 });
  await expect.poll(() => leftOf("+12025550005").length).toBe(1);
  await hold("+12025550005", { pausedBy: "AC1" });
  answer = accepted;
  await becomes(id, "failed");
});

test("a lane that is drained sends what it has, refuses the next, and still answers a STOP", async () => {
  await becomes(await send("+12025550006"), "sent");
  await hold("+12025550006", { pausedBy: "AC1" });
  const queued = await send("+12025550006");
  await hold("+12025550006", { pausedBy: null, drainedBy: "AC1" });
  await expect(send("+12025550006")).rejects.toMatchObject({ status: 429, code: 21611 });
  await becomes(queued, "sent");
  await becomes(await send("+12025550006", { isKeywordReply: true }), "sent");
  await hold("+12025550006", { drainedBy: null });
  await becomes(await send("+12025550006"), "sent");
});

test("an owner of a gained shard asks for paused lanes before it claims", async () => {
  const shard = shardOfPool(account, "+12025550007");
  slots = 0;
  const id = await send("+12025550007", { validityS: 3 });
  const key = { account, pool: "+12025550007", sender: "+12025550007", shard };
  await holdLane(database.sql, key, { pausedBy: "AC1" });
  slots = 100;
  dispatcher.gain([shard], performance.now());
  dispatcher.wake();
  await becomes(id, "failed");
  expect(leftOf("+12025550007")).toEqual([]);
});
