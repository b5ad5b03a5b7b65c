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
import { cancelMessage, redactMessage } from "./change.ts";
import type { NewMessage } from "./decide-message.ts";
import { createDispatcher, type Dispatcher } from "./dispatch.ts";
import type { MessageStatus } from "./message.ts";
import { createReceipts, type Receipts } from "./receipts.ts";
import { findMessage, listMessages } from "./store.ts";

let database: TestDatabase;
let leases: ShardLeases;
let accepter: Accepter;
let dispatcher: Dispatcher;
let receipts: Receipts;
let account = 0;

const submitted: Submission[] = [];
let answer: (submission: Submission) => SubmitResult;
let slots = 100;
const newId = createIdWriter(1, () => clock().getTime());
const accepted = (submission: Submission): SubmitResult => ({
  kind: "accepted",
  carrierMessageId: `${submission.id}-${submission.part}`,
});
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
const sender = (number: string, segmentsPerSecond = 1000) => ({
  ...{ number, segmentsPerSecond, maxQueueSeconds: 36_000, connector: "carrier" },
});
const text = (from: string, changes: Partial<NewMessage> = {}): NewMessage => ({
  ...{ account, sender: sender(from), recipient: "+12025550123", body: "Hello" },
  direction: "outbound-api",
  ...changes,
});

beforeAll(async () => {
  answer = accepted;
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
    judge: () => allowed,
    routeOf: () => ({ segmentsPerSecond: 1000, connector: carrier }),
    ...{ limiters: createLimiters(), carrierKey: (id) => id },
  });
  const gained: [readonly number[], number][] = [];
  leases = await holdShards({
    ...{ sql, owner: "test", now: () => clock().getTime(), onError },
    onGained: (...gain) => gained.push(gain),
  });
  for (const gain of gained) dispatcher.gain(...gain);
  accepter = createAccepter({
    ...{ hot, bulk: hot, clock, newId },
    writers: { single: writer(), bulk: writer() },
    isSimulated: () => false,
    judge: () => allowed,
    direct: dispatcher.direct,
    onStored: (rows) => dispatcher.offer(rows),
  });
  receipts = createReceipts({ hot, clock, writer: writer(), onSettled: () => undefined, onError });
});

afterAll(async () => {
  await accepter.close();
  await dispatcher.close();
  await receipts.close();
  await leases.close();
  await database.close();
});

async function becomes(id: bigint, status: MessageStatus) {
  await expect
    .poll(async () => (await findMessage(database.sql, { account, id }))?.status)
    .toBe(status);
}

test("a message is queued, sent and delivered", async () => {
  const message = await accepter.accept(text("+12025550001"));
  expect(message.status).toBe("queued");
  await becomes(message.id, "sent");
  const receipt = { status: "delivered", errorCode: undefined, carrierCode: "DELIVRD" } as const;
  await receipts.record("carrier", `${message.id}-1`, {
    ...receipt,
    ...{ carrierMessageId: "x", doneDate: undefined },
  });
  await becomes(message.id, "delivered");
});

test("a long message is delivered when its last part is, and once", async () => {
  const message = await accepter.accept(text("+12025550002", { body: "x".repeat(400) }));
  await becomes(message.id, "sent");
  expect(submitted.filter(({ id }) => id === message.id).map(({ part }) => part)).toEqual([
    1, 2, 3,
  ]);
  for (const part of [3, 1, 2]) {
    expect((await findMessage(database.sql, { account, id: message.id }))?.status).toBe("sent");
    await receipts.record("carrier", `${message.id}-${part}`, {
      ...{ status: "delivered", errorCode: undefined, carrierCode: "DELIVRD" },
      ...{ carrierMessageId: "x", doneDate: undefined },
    });
  }
  await becomes(message.id, "delivered");
});

test("a receipt that comes before its submission is kept for it", async () => {
  slots = 0;
  const message = await accepter.accept(text("+12025550003"));
  await receipts.record("carrier", `${message.id}-1`, {
    ...{ status: "undelivered", errorCode: 30003, carrierCode: "UNDELIV 012" },
    ...{ carrierMessageId: "x", doneDate: undefined },
  });
  slots = 100;
  dispatcher.wake();
  await becomes(message.id, "undelivered");
  const found = await findMessage(database.sql, { account, id: message.id });
  expect(found?.errorCode).toBe(30003);
});

test("a permanent refusal fails with the mapped code", async () => {
  answer = () => ({ kind: "refused", errorCode: 30006, carrierCode: "0x0b" });
  const message = await accepter.accept(text("+12025550004"));
  await becomes(message.id, "failed");
  answer = accepted;
});

test("a throttled message is submitted again", async () => {
  let isFirst = true;
  answer = (submission) => {
    if (!isFirst) return accepted(submission);
    isFirst = false;
    return { kind: "throttled", retryAfterMs: 50, carrierCode: "0x58" };
  };
  const message = await accepter.accept(text("+12025550005"));
  await becomes(message.id, "sent");
  expect(submitted.filter(({ id }) => id === message.id).map(({ attempt }) => attempt)).toEqual([
    1, 2,
  ]);
  answer = accepted;
});

test("an opt-out refuses at accept and stops a message that waits", async () => {
  slots = 0;
  const waiting = await accepter.accept(text("+12025550006"));
  await database.sql`
    insert into opt_outs (account, pool, recipient, source, opted_out_at)
    values (${account}, '+12025550006', '+12025550123', 'api', now())
  `;
  await expect(accepter.accept(text("+12025550006"))).rejects.toMatchObject({ code: 21610 });
  slots = 100;
  dispatcher.wake();
  await becomes(waiting.id, "failed");
  expect(submitted.some(({ id }) => id === waiting.id)).toBe(false);
});

test("a message whose validity has ended fails with 30036", async () => {
  slots = 0;
  const message = await accepter.accept(text("+12025550007", { validityS: 1 }));
  await becomes(message.id, "failed");
  slots = 100;
  expect((await findMessage(database.sql, { account, id: message.id }))?.errorCode).toBe(30036);
});

test("a full lane refuses with 21611 and stores nothing", async () => {
  slots = 0;
  const small = { ...sender("+12025550008", 0.1), maxQueueSeconds: 10 };
  const bulk = Array.from({ length: 300 }, () => text("+12025550008", { sender: small }));
  const results = await accepter.acceptBulk(bulk);
  expect(results.filter((result) => !(result instanceof Error)).length).toBe(255);
  expect(results.at(-1)).toMatchObject({ code: 21611 });
  slots = 100;
});

test("what is refused for another reason takes no room of a lane that becomes full", async () => {
  slots = 0;
  const optedOut = "+12025550199";
  await database.sql`
    insert into opt_outs (account, pool, recipient, source, opted_out_at)
    values (${account}, '+12025550018', ${optedOut}, 'api', now())
  `;
  const small = { ...sender("+12025550018", 0.1), maxQueueSeconds: 1 };
  const batch = Array.from({ length: 258 }, (_, index) =>
    text("+12025550018", { sender: small, ...(index % 100 === 5 ? { recipient: optedOut } : {}) }),
  );
  const results = await accepter.acceptBulk(batch);
  const codes = results.map((result) => ("code" in result ? result.code : 0));
  expect(codes.flatMap((code, index) => (code === 21610 ? [index] : []))).toEqual([5, 105, 205]);
  expect(codes.filter((code) => code === 0).length).toBe(255);
  expect(codes.every((code) => code !== 21611)).toBe(true);
  const more = await accepter.acceptBulk([text("+12025550018", { sender: small })]);
  expect(more[0]).toMatchObject({ code: 21611 });
  slots = 100;
});

test("a message accepted again under its reserved id is stored once, whatever changed since", async () => {
  slots = 0;
  const id = newId(0);
  const small = { ...sender("+12025550011", 0.1), maxQueueSeconds: 10 };
  const reserved = text("+12025550011", { id, sender: small });
  const first = await accepter.accept(reserved);
  expect((await accepter.accept(reserved)).id).toBe(first.id);
  await accepter.acceptBulk(
    Array.from({ length: 254 }, () => text("+12025550011", { sender: small })),
  );
  await expect(accepter.accept(text("+12025550011", { sender: small }))).rejects.toMatchObject({
    code: 21611,
  });
  expect((await accepter.accept(reserved)).id).toBe(first.id);
  const rows = await database.sql`select id from queue where id = ${String(first.id)}::bigint`;
  expect(rows.length).toBe(1);
  slots = 100;
});

test("a waiting message can be canceled, once", async () => {
  slots = 0;
  const message = await accepter.accept(text("+12025550009"));
  const app = { ...database, clock, changes: createEventWriter({ sql: database.sql, owner: "t" }) };
  expect((await cancelMessage(app, message)).status).toBe("canceled");
  await expect(cancelMessage(app, message)).rejects.toMatchObject({ code: 30409 });
  expect((await redactMessage(app, { ...message, status: "canceled" })).body).toBe("");
  slots = 100;
});

test("two thousand messages leave once each, in their order", async () => {
  const bulk = Array.from({ length: 2_000 }, () => text("+12025550010"));
  const results = await accepter.acceptBulk(bulk);
  const ids = results.map((result) => (result instanceof Error ? 0n : result.id));
  await becomes(ids.at(-1) ?? 0n, "sent");
  const left = submitted.filter((one) => one.sender === "+12025550010").map(({ id }) => id);
  expect(left).toEqual(ids);
});

test("a list is newest first and goes on after an id", async () => {
  const first = await listMessages(database.sql, { account, from: "+12025550010", limit: 10 });
  const beforeId = first.at(-1)?.id ?? 0n;
  const next = await listMessages(database.sql, {
    ...{ account, from: "+12025550010", limit: 10, beforeId },
  });
  const ids = [...first, ...next].map(({ id }) => id);
  expect(new Set(ids).size).toBe(20);
  expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? 1 : -1)));
});

test("a bulk lets the single messages go first that are being stored, and they do not starve it", async () => {
  const { sql } = database;
  const slow = "+12025550031";
  const { id } = await accepter.accept(text(slow));
  await becomes(id, "sent");
  const order: string[] = [];
  let release = () => {};
  let holding: Promise<unknown> | undefined;
  await new Promise<void>((isHeld) => {
    holding = sql.begin(async (begun) => {
      await begun`select from lanes where sender = ${slow} for update`;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      isHeld();
      await released;
    });
  });
  const single = accepter.accept(text(slow)).then(() => order.push("single"));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const bulk = accepter.acceptBulk([text("+12025550032")]).then(() => order.push("bulk"));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(order).toEqual([]);
  release();
  await Promise.all([holding, single, bulk]);
  expect(order).toEqual(["single", "bulk"]);
  let isStored = false;
  const steady = async () => {
    while (!isStored) await accepter.accept(text("+12025550033"));
  };
  const streams = [steady(), steady(), steady()];
  const results = await accepter.acceptBulk(
    Array.from({ length: 600 }, () => text("+12025550034")),
  );
  isStored = true;
  await Promise.all(streams);
  expect(results.filter((result) => "id" in result)).toHaveLength(600);
});
