import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, insertTestAccount, type TestDatabase } from "../../test/database.ts";
import { allowed } from "../compliance/verdict.ts";
import type { InboundPart } from "../connectors/connector.ts";
import { createEventWriter } from "../events/log.ts";
import { HOUR, MINUTE, SECOND } from "../lib/clock.ts";
import { createIdWriter } from "../lib/message-id.ts";
import { type Accepter, createAccepter } from "./accept.ts";
import { endWaiting, receiveText } from "./inbound.ts";
import { createInboundAnswers, type InboundAnswers } from "./inbound-answers.ts";

let database: TestDatabase;
let accepter: Accepter;
let answers: InboundAnswers;
let account = 0;
let offsetMs = 0;
const clock = () => new Date(Date.now() + offsetMs);
const newId = createIdWriter(1, () => clock().getTime());
const number = "+12025550100";
const carrier = { carrierAccount: "carrier", isSimulated: false, optOutsUpstream: false };
const onError = (error: unknown) => {
  throw error;
};

beforeAll(async () => {
  database = await createTestDatabase();
  const { sql, hot } = database;
  account = await insertTestAccount(sql);
  accepter = createAccepter({
    ...{ hot, bulk: hot, clock, newId, writers: { single: writerOf(), bulk: writerOf() } },
    ...{ isSimulated: () => false, judge: () => allowed, onStored: () => undefined },
  });
  answers = createInboundAnswers({ sql, clock, onError });
});
beforeEach(() => {
  offsetMs = 0;
});
afterAll(async () => {
  await answers.close();
  await accepter.close();
  await database.close();
});

const writerOf = () => createEventWriter({ sql: database.sql, owner: "test" });

/** One process: it has its own writer, and may die when it is to accept a reply. */
function processOf(accept: Accepter["accept"] = accepter.accept) {
  return {
    ...{ sql: database.sql, clock, newId, writers: [writerOf()], accept, answers },
    onReceived: () => undefined,
    numberOf: (recipient: string) => ({
      ...{ account, number: recipient, kind: "long_code" as const, smsUrl: "" },
      ...{ segmentsPerSecond: 1, maxQueueSeconds: 36_000, connector: "carrier" },
    }),
  };
}

let phones = 0;
/** A text of a phone that did not text before. */
function textOf(changes: Partial<InboundPart> = {}): InboundPart {
  phones += 1;
  const sender = `+1202555${String(1000 + phones)}`;
  return {
    ...{ sender, recipient: number, text: "Yes", reference: 0, part: 1, total: 1, ...changes },
  };
}
const bring = (part: InboundPart, bind: string, app = processOf()) =>
  receiveText(app, { carrier, bind }, part);

async function received(part: InboundPart): Promise<{ body: string; errorCode: number | null }[]> {
  return await database.sql<{ body: string; errorCode: number | null }[]>`
    select body, outcomes.error_code as "errorCode"
    from messages
    join outcomes using (shard, id, day)
    where sender = ${part.sender} and direction = 'inbound'
    order by id
  `;
}
const unanswered = () => database.sql`select from unanswered_texts`;
/** Those whose answer was written, but not certainly read. */
const doubted = () => database.sql`
  select from unanswered_texts
  where expires_at < ${new Date(clock().getTime() + HOUR)}
`;

test("a text whose process died before its answer is stored once, on whatever bind it comes again", async () => {
  const text = textOf();
  await bring(text, randomUUID());
  await bring(text, randomUUID());
  await bring(text, randomUUID());
  expect(await received(text)).toHaveLength(1);
});

test("texts that come on two binds at once, to two processes, are stored once", async () => {
  const texts = Array.from({ length: 20 }, () => textOf());
  const twice = texts.flatMap((text) => [bring(text, randomUUID()), bring(text, randomUUID())]);
  await Promise.all(twice);
  const counts = await Promise.all(texts.map(async (text) => (await received(text)).length));
  expect(counts).toEqual(texts.map(() => 1));
});

test("a person who texts the same word twice is heard twice, on any bind", async () => {
  const text = textOf();
  const [first, second] = [randomUUID(), randomUUID()];
  const before = (await unanswered()).length;
  for (const bind of [first, first, second]) {
    const onFate = await bring(text, bind);
    onFate("written");
    await expect.poll(async () => (await unanswered()).length).toBe(before);
  }
  expect(await received(text)).toHaveLength(3);
});

test("two same words that wait for their answers at once are two, and come again as two", async () => {
  const text = textOf();
  const [first, second] = [randomUUID(), randomUUID()];
  for (const bind of [first, first, second, second]) await bring(text, bind);
  expect(await received(text)).toHaveLength(2);
  await bring(text, second);
  expect(await received(text)).toHaveLength(3);
});

test("on the same bind a text is a repetition once the carrier's patience has ended", async () => {
  const text = textOf();
  const bind = randomUUID();
  await bring(text, bind);
  offsetMs = 6 * SECOND;
  await bring(text, bind);
  expect(await received(text)).toHaveLength(1);
});

test("an answer that was written but lost with its bind is doubted for five minutes", async () => {
  const [soon, late] = [textOf(), textOf()];
  for (const text of [soon, late]) {
    const onFate = await bring(text, randomUUID());
    onFate("written");
    onFate("lost");
  }
  await expect.poll(async () => (await doubted()).length).toBe(2);
  await bring(soon, randomUUID());
  offsetMs = 6 * MINUTE;
  await bring(late, randomUUID());
  expect([(await received(soon)).length, (await received(late)).length]).toEqual([1, 2]);
});

test("a long text whose parts come again is stored once and leaves no part behind", async () => {
  const parts = [1, 2, 3].map((part) => ({ reference: 7, total: 3, part, text: `${part} ` }));
  const first = textOf(parts[0]);
  const all = parts.map((part) => ({ ...first, ...part }));
  const [old, next] = [randomUUID(), randomUUID()];
  for (const part of all.slice(0, 2)) await bring(part, old);
  for (const part of all) await bring(part, next);
  for (const part of all) await bring(part, randomUUID());
  expect(await received(first)).toEqual([{ body: "1 2 3 ", errorCode: null }]);
  expect(await database.sql`select from inbound_parts`).toHaveLength(0);
});

test("parts that come at once, to two processes, become one text", async () => {
  const first = textOf({ reference: 8, total: 2, part: 1, text: "Hello " });
  const second = { ...first, part: 2, text: "there" };
  await Promise.all([bring(first, randomUUID()), bring(second, randomUUID())]);
  expect(await received(first)).toEqual([{ body: "Hello there", errorCode: null }]);
});

test("a keyword is answered once, also when its process died before the reply was accepted", async () => {
  const text = textOf({ text: "STOP" });
  const bind = randomUUID();
  const dies = processOf(() => Promise.reject(new Error("The process died.")));
  await expect(bring(text, bind, dies)).rejects.toThrow("died");
  await bring(text, bind);
  await bring(text, randomUUID());
  const replies = await database.sql`select from messages where recipient = ${text.sender}`;
  expect([(await received(text)).length, replies.length]).toEqual([1, 1]);
});

test("a text whose other parts do not come within a day is received with 30009", async () => {
  offsetMs = -25 * HOUR;
  const old = textOf({ reference: 9, total: 3, part: 3, text: "the end" });
  await bring(old, randomUUID());
  await bring({ ...old, part: 1, text: "The beginning, " }, randomUUID());
  offsetMs = -23 * HOUR;
  const young = textOf({ reference: 9, total: 2, part: 2, text: "young" });
  await bring(young, randomUUID());
  offsetMs = 0;
  await endWaiting(processOf(), () => carrier);
  await endWaiting(processOf(), () => carrier);
  expect(await received(old)).toEqual([{ body: "The beginning, the end", errorCode: 30009 }]);
  expect(await received(young)).toEqual([]);
});

test("what is unanswered for a day is forgotten", async () => {
  await bring(textOf(), randomUUID());
  offsetMs = 25 * HOUR;
  await endWaiting(processOf(), () => carrier);
  expect(await unanswered()).toHaveLength(0);
});
