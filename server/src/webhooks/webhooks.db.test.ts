import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import twilio from "twilio";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { systemClock, utcDay } from "../lib/clock.ts";
import { createGuardedDialer } from "../lib/guarded-dialer.ts";
import { createIdWriter } from "../lib/message-id.ts";
import { createSeal } from "../lib/seal.ts";
import { createMessageSids } from "../lib/sid.ts";
import type { Message } from "../messages/message.ts";
import type { Reply } from "./inbound.ts";
import { insertRetries, listAttempts } from "./store.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";

type Request = { path: string; form: Record<string, string>; headers: IncomingMessage["headers"] };

const token = "0123456789abcdef0123456789abcdef";
const accountSid = `AC${"a".repeat(32)}`;
const seal = createSeal(Buffer.alloc(32, 1));
const sids = createMessageSids(seal.keyFor("message-sid"));
const newId = createIdWriter(1, () => Date.now());
const dialer = createGuardedDialer({ allow: ["127.0.0.0/8", "::1/128"] });

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let webhooks: Webhooks;
let origin = "";
let answer: (request: Request, response: ServerResponse) => void;
const requests: Request[] = [];
const replies: Reply[] = [];
/** A reply whose process dies after it was accepted, the first time. */
const dies = "Dies";
const messages = new Map<bigint, Message>();
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    const form = Object.fromEntries(new URLSearchParams(body));
    const received = { path: request.url ?? "", form, headers: request.headers };
    requests.push(received);
    answer(received, response);
  });
});

beforeAll(async () => {
  database = await createTestDatabase();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await dialer.close();
  await database.close();
});
beforeEach(() => {
  requests.length = 0;
  replies.length = 0;
  webhooks = createWebhooks({
    sql: database.sql,
    clock: systemClock,
    newId,
    sids,
    seal,
    dialer,
    accountToken: () => token,
    accountSid: () => accountSid,
    senderOf: () => ({
      smsUrl: `${origin}/in`,
      smsMethod: "POST",
      smsFallbackUrl: `${origin}/fallback`,
      smsFallbackMethod: "POST",
    }),
    findMessage: async (_account, id) => messages.get(id),
    reply: async (reply) => {
      replies.push(reply);
      if (reply.body === dies && replies.length <= 2) throw new Error("The process died.");
    },
  });
});
afterEach(() => webhooks.close());

async function appendEvent(kind: string, data: Record<string, unknown>): Promise<bigint> {
  const { sql } = database;
  const id = newId(3);
  const at = systemClock();
  const [row] = await sql<
    { writer: bigint }[]
  >`insert into writers (owner) values ('test') returning writer`;
  await sql`
    insert into events (writer, seq, day, at, kind, account, id, data)
    values (${row?.writer ?? 0n}, 1, ${utcDay(at)}, ${at}, ${kind}, 1, ${id}, ${sql.json(data as never)})
  `;
  webhooks.notify();
  return id;
}

async function appendInbound(body: string): Promise<bigint> {
  const id = newId(3);
  const now = systemClock();
  messages.set(id, {
    id,
    account: 1,
    direction: "inbound",
    sender: "+12025550123",
    recipient: "+14155552671",
    body,
    segments: 1,
    status: "received",
    errorCode: undefined,
    priceMicros: undefined,
    createdAt: now,
    sentAt: undefined,
    updatedAt: now,
    isSimulated: false,
    service: undefined,
    media: undefined,
  });
  await insertRetries(database.sql, [
    {
      dueAt: now,
      host: "test",
      kind: "inbound",
      account: 1,
      id,
      attempt: 0,
      firstAt: now,
      data: {},
    },
  ]);
  webhooks.notify();
  return id;
}

const message = (callback: string) => ({ from: "+14155552671", to: "+12025550123", callback });

test("a status is told once, in Twilio's form, signed with the account's token", async () => {
  answer = (_request, response) => response.end();
  const url = `${origin}/status?a=1`;
  const id = await appendEvent("undelivered", { ...message(url), errorCode: 30003 });
  await expect.poll(() => requests.length).toBe(1);
  const [request] = requests;
  expect(request?.form).toMatchObject({
    AccountSid: accountSid,
    MessageSid: sids.sidOf(id),
    MessageStatus: "undelivered",
    ErrorCode: "30003",
    To: "+12025550123",
  });
  const signature = String(request?.headers["x-twilio-signature"]);
  expect(twilio.validateRequest(token, signature, url, request?.form ?? {})).toBe(true);
  await expect
    .poll(() => listAttempts(database.sql, { account: 1, id }))
    .toMatchObject([
      { about: "undelivered", attempt: 1, httpStatus: 200, url: `${origin}/status` },
    ]);
});

test("a status that got a 500 comes again after its delay and then no more", async () => {
  answer = (_request, response) => {
    response.statusCode = requests.length === 1 ? 500 : 204;
    response.end();
  };
  const id = await appendEvent("sent", message(`${origin}/status`));
  await expect.poll(() => requests.length).toBe(2);
  expect(requests[0]?.headers["webhook-id"]).toBe(requests[1]?.headers["webhook-id"]);
  await expect
    .poll(async () => (await database.sql`select from retries where id = ${id}`).length)
    .toBe(0);
});

test("a silent host does not delay another host", async () => {
  const held: ServerResponse[] = [];
  answer = (request, response) => {
    if (request.path === "/silent") held.push(response);
    else response.end();
  };
  for (let count = 0; count < 3; count += 1) await appendEvent("sent", message(`${origin}/silent`));
  await expect.poll(() => held.length).toBe(3);
  await appendEvent("sent", message(`${origin.replace("127.0.0.1", "localhost")}/well`));
  await expect.poll(() => requests.filter((request) => request.path === "/well").length).toBe(1);
  expect(webhooks.state().running).toBeGreaterThanOrEqual(3); // the silent host's still
  for (const response of held) response.end();
});

test("a status that is neither taken nor kept is read from the log again", async () => {
  answer = (_request, response) => {
    response.statusCode = requests.length === 1 ? 500 : 204;
    response.end();
  };
  await database.sql`alter table retries rename to away`;
  await appendEvent("sent", message(`${origin}/status`));
  await expect.poll(() => requests.length).toBe(2);
  await database.sql`alter table away rename to retries`;
  expect(requests[0]?.headers["webhook-id"]).toBe(requests[1]?.headers["webhook-id"]);
});

test("the retries of a silent host do not delay another host's", async () => {
  const held: ServerResponse[] = [];
  answer = (request, response) => {
    if (request.path === "/silent") held.push(response);
    else response.end();
  };
  const row = { kind: "status", account: 1, attempt: 1, firstAt: new Date(0) } as const;
  const retry = (url: string, dueAt: number) => ({
    ...{ ...row, id: newId(3), host: new URL(url).host, dueAt: new Date(dueAt) },
    data: { ...message(url), status: "sent" },
  });
  const silent = Array.from({ length: 1_200 }, () => retry(`${origin}/silent`, 0));
  const well = retry(`${origin.replace("127.0.0.1", "localhost")}/well`, 1);
  await insertRetries(database.sql, [...silent, well]);
  webhooks.notify();
  await expect.poll(() => requests.filter(({ path }) => path === "/well").length).toBe(1);
  await expect.poll(() => webhooks.state()).toMatchObject({ running: 64, waiting: 436 });
  await database.sql`delete from retries`;
  answer = (_request, response) => response.end();
  for (const response of held) response.end();
});

test("TwiML in the answer to an inbound text is accepted as a reply", async () => {
  answer = (_request, response) => {
    response.setHeader("content-type", "text/xml");
    response.end("<Response><Message>Hello back</Message></Response>");
  };
  const id = await appendInbound("Hello");
  await expect
    .poll(() => replies)
    .toMatchObject([
      { body: "Hello back", sender: "+14155552671", recipient: "+12025550123", inReplyTo: id },
    ]);
  expect(requests[0]?.form).toMatchObject({ Body: "Hello", FromCountry: "US", NumSegments: "1" });
});

test("a process that dies after it accepted a reply leaves the same ids to the next call", async () => {
  answer = (_request, response) => {
    response.setHeader("content-type", "text/xml");
    response.end(`<Response><Message>One</Message><Message>${dies}</Message></Response>`);
  };
  const id = await appendInbound("Hello");
  await expect.poll(() => replies.length).toBe(2);
  await expect.poll(() => webhooks.state().lastError).toContain("died");
  await database.sql`update retries set due_at = now() where id = ${String(id)}::bigint`;
  webhooks.notify();
  await expect.poll(() => replies.length).toBe(4);
  const [first, second, third, fourth] = replies.map((reply) => reply.id);
  expect([third, fourth]).toEqual([first, second]);
  expect(first).not.toBe(second);
  await expect
    .poll(() => database.sql`select from retries where id = ${String(id)}::bigint`)
    .toHaveLength(0);
});

test("the fallback URL answers when the first one fails, and learns why", async () => {
  answer = (request, response) => {
    response.statusCode = request.path === "/in" ? 404 : 200;
    response.setHeader("content-type", "text/plain");
    response.end("From the fallback");
  };
  await appendInbound("Hello");
  await expect.poll(() => replies).toMatchObject([{ body: "From the fallback" }]);
  const fallback = requests.find((request) => request.path === "/fallback");
  expect(fallback?.form).toMatchObject({ ErrorCode: "11217", ErrorUrl: `${origin}/in` });
});
