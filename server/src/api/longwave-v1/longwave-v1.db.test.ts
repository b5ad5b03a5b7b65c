import fastify, { type FastifyInstance, type InjectOptions } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { type AccountBook, createAccountBook } from "../../accounts/account-book.ts";
import { createAccount } from "../../accounts/create-account.ts";
import { createRuleBook } from "../../compliance/rule-book.ts";
import { createEventWriter } from "../../events/log.ts";
import { systemClock as clock } from "../../lib/clock.ts";
import { ApiError, invalidParameter } from "../../lib/errors.ts";
import { createIdWriter } from "../../lib/message-id.ts";
import { createSeal } from "../../lib/seal.ts";
import { createMessageSids } from "../../lib/sid.ts";
import type { NewMessage } from "../../messages/decide-message.ts";
import type { Message } from "../../messages/message.ts";
import { createNetworkBook } from "../../numbers/network-book.ts";
import { createCapBook } from "../../spend/cap-book.ts";
import { createPriceBook } from "../../spend/price-book.ts";
import { asApiError } from "../error-response.ts";
import { BULK_LENGTH_MAX } from "./bulk.ts";
import { longwaveReference, longwaveV1 } from "./longwave-v1.ts";

const seal = createSeal(Buffer.alloc(32, 7));
const messageSids = createMessageSids(seal.keyFor("sids"));
const sender = "+15005550006";
let database: TestDatabase;
let server: FastifyInstance;
let accountBook: AccountBook;
const users = { operator: "", subaccount: "", test: "" };
const batches: NewMessage[][] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const { sql } = database;
  const app = { sql, seal, clock };
  const operator = await createAccount(app, {});
  const subaccount = await createAccount(app, { parent: operator.account.id });
  const test = await createAccount(app, { isTest: true });
  accountBook = createAccountBook(app);
  await accountBook.refresh();
  const basic = ({ account, token }: typeof operator) =>
    `Basic ${Buffer.from(`${account.sid}:${token}`).toString("base64")}`;
  users.operator = basic(operator);
  users.subaccount = basic(subaccount);
  users.test = basic(test);
  server = createServer();
});
afterAll(async () => {
  await server.close();
  await database.close();
});

function createServer(): FastifyInstance {
  const ruleBook = createRuleBook({ sql: database.sql });
  const needs = {
    ...{ sql: database.sql, seal, clock, accountBook, messageSids, version: "1.2.3" },
    newId: createIdWriter(1, () => clock().getTime()),
    senderBook: {
      ...{ find: () => undefined, refresh: async () => undefined },
      ...{ ofAccount: () => [], servicesOf: () => [], service: () => undefined },
    },
    tellOwners: async () => undefined,
    ruleBook,
    priceBook: createPriceBook({ sql: database.sql }),
    networkBook: createNetworkBook({ sql: database.sql }),
    capBook: createCapBook({ sql: database.sql }),
    readNewMessage: (account: { id: number }, form: ReadonlyMap<string, readonly string[]>) => {
      const [to = ""] = form.get("To") ?? [];
      if (to === "nobody") throw new ApiError(400, 21211, "Not a number.");
      return {
        account: account.id,
        sender: { number: sender, segmentsPerSecond: 1, maxQueueSeconds: 1, connector: "carrier" },
        recipient: to,
        body: form.get("Body")?.join() ?? "",
        direction: "outbound-api" as const,
      };
    },
    messages: { findReserved: async () => new Map() },
    acceptBulk: async (messages: readonly NewMessage[]) => {
      batches.push([...messages]);
      return messages.map((message, index) =>
        message.body === "refused" ? new ApiError(400, 21610, "Opted out.") : accepted(index),
      );
    },
    readConnectorSettings: (_kind: string, settings: unknown) => {
      const { host } = settings as { host?: string };
      if (host === undefined) throw invalidParameter("settings.host", "it is missing.");
      return { kept: settings, optOutsUpstream: false };
    },
    throttledTo: (name: string) => (name === "carrier" ? 25 : undefined),
    connectorStates: async () => (name: string) =>
      name === "carrier" ? ({ phase: "bound", window: 10, inFlight: 2 } as const) : undefined,
    connectorTrace: () => undefined,
    changes: createEventWriter({ sql: database.sql, owner: "test" }),
    reportBug: (error: unknown) => {
      throw error;
    },
  };
  const built = fastify({ routerOptions: { ignoreTrailingSlash: true, maxParamLength: 1024 } });
  built.setErrorHandler((error, _request, reply) => {
    const known = asApiError(error);
    return reply
      .status(known?.status ?? 500)
      .send({ code: known?.code ?? 20500, message: known?.message ?? String(error) });
  });
  built.register(longwaveV1(needs));
  built.register(longwaveReference(needs));
  return built;
}

function accepted(index: number): Message {
  const at = clock();
  return {
    ...{ id: BigInt(index + 1), account: 1, direction: "outbound-api", sender, recipient: "+1" },
    ...{ body: "", segments: 1, status: "queued", errorCode: undefined, priceMicros: undefined },
    ...{ createdAt: at, sentAt: undefined, updatedAt: at, isSimulated: false, service: undefined },
    media: undefined,
  };
}

type Request = { user?: string; json?: object | string; csv?: string; headers?: object };

async function call(method: "GET" | "POST" | "DELETE", path: string, request: Request = {}) {
  const { user = users.operator, json, csv, headers } = request;
  const options: InjectOptions = { method, url: `/longwave/v1${path}` };
  options.headers = { authorization: user, ...headers };
  if (json !== undefined) {
    options.headers["content-type"] = "application/json";
    options.payload = json;
  }
  if (csv !== undefined) {
    options.headers["content-type"] = "text/csv; charset=utf-8";
    options.payload = csv;
  }
  const response = await server.inject(options);
  const isJson = response.headers["content-type"]?.toString().includes("json") === true;
  return { status: response.statusCode, body: isJson ? response.json() : response.body };
}

test("bulk gives each message its own result, in order", async () => {
  const message = (To: unknown, Body: unknown) => ({ To, Body, From: sender });
  const messages = [message("+1", "a"), message("nobody", "b"), 7, message("+1", "refused")];
  messages.push(message("+1", { not: "text" }), message("+1", 12));
  const { status, body } = await call("POST", "/Messages/Bulk", { json: { messages } });
  expect(status).toBe(200);
  expect(
    body.messages.map((item: { code?: number; sid?: string }) => item.code ?? item.sid),
  ).toEqual([messageSids.sidOf(1n), 21211, 20001, 21610, 20001, messageSids.sidOf(3n)]);
  expect(body).toMatchObject({ accepted: 2, refused: 4 });
  expect(batches.at(-1)?.map(({ body }) => body)).toEqual(["a", "refused", "12"]);
});

test("10,000 messages are one request, 10,001 are refused", async () => {
  const one = { To: "+12025550123", From: sender, Body: "x".repeat(160) };
  const most = Array.from({ length: BULK_LENGTH_MAX }, () => one);
  const good = await call("POST", "/Messages/Bulk", { json: { messages: most } });
  expect(good.body.accepted).toBe(BULK_LENGTH_MAX);
  const over = await call("POST", "/Messages/Bulk", { json: { messages: [...most, one] } });
  expect(over).toMatchObject({ status: 400, body: { code: 20001 } });
});

test("a body over 8 MB is refused", async () => {
  const messages = [{ Body: "x".repeat(8 * 1024 * 1024) }];
  expect((await call("POST", "/Messages/Bulk", { json: { messages } })).status).toBe(413);
});

test("the same idempotency key gets the first answer, and another body is refused", async () => {
  const headers = { "idempotency-key": "once" };
  const json = { messages: [{ To: "+1", From: sender, Body: "a" }] };
  const first = await call("POST", "/Messages/Bulk", { json, headers });
  const count = batches.length;
  expect(await call("POST", "/Messages/Bulk", { json, headers })).toEqual(first);
  expect(batches.length).toBe(count);
  const other = { messages: [...json.messages, ...json.messages] };
  expect((await call("POST", "/Messages/Bulk", { json: other, headers })).status).toBe(409);
});

test("an opt-out is added once, listed, and taken back", async () => {
  const json = { pool: sender, recipients: ["+12025550123", "+1 202 555 0124"] };
  expect((await call("POST", "/OptOuts", { json })).body.added).toHaveLength(2);
  expect((await call("POST", "/OptOuts", { json })).body.added).toEqual([]);
  const { body } = await call("GET", `/OptOuts?Pool=${encodeURIComponent(sender)}`);
  expect(body.opt_outs[0]).toEqual({
    ...{ pool: sender, recipient: "+12025550123", source: "api", keyword: null },
    date_opted_out: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  const path = `/OptOuts/${sender}/+12025550124`;
  expect((await call("DELETE", path)).status).toBe(204);
  expect(await call("DELETE", path)).toMatchObject({ status: 404, body: { code: 20404 } });
});

test("an account sees its own opt-outs only", async () => {
  const { body } = await call("GET", "/OptOuts", { user: users.subaccount });
  expect(body.opt_outs).toEqual([]);
});

test("pages of opt-outs hold each once while others are added", async () => {
  const user = users.subaccount;
  const add = (recipients: string[]) =>
    call("POST", "/OptOuts", { user, json: { pool: "22395", recipients } });
  await add(["+12025550101", "+12025550103", "+12025550105"]);
  const seen: string[] = [];
  let token: string | null = "";
  while (token !== null) {
    const { body } = await call("GET", `/OptOuts?PageSize=1&PageToken=${token}`, { user });
    seen.push(...body.opt_outs.map(({ recipient }: { recipient: string }) => recipient));
    token = body.meta.next_token;
    if (seen.length === 1) await add(["+12025550100"]);
  }
  expect(seen).toEqual(["+12025550101", "+12025550103", "+12025550105"]);
});

test("an import tells its bad rows, and an export holds the good ones", async () => {
  const csv = "recipient,pool\r\n+12025550131,TABLES\r\nnobody,TABLES\r\n+12025550132,\r\n";
  const imported = await call("POST", "/OptOuts/Import", { csv });
  expect(imported.body).toMatchObject({ added: 1, already_there: 0, invalid: 2 });
  expect(imported.body.invalid_rows.map(({ row }: { row: number }) => row)).toEqual([3, 4]);
  const again = await call("POST", "/OptOuts/Import?Pool=TABLES", { csv });
  expect(again.body).toMatchObject({ added: 1, already_there: 1, invalid: 1 });
  const exported = await call("GET", "/OptOuts/Export?Pool=TABLES");
  expect(exported.body.split("\r\n").map((line: string) => line.slice(0, 19))).toEqual([
    "pool,recipient,sour",
    "TABLES,+12025550131",
    "TABLES,+12025550132",
    "",
  ]);
});

const connector = { name: "carrier", kind: "smpp", settings: { host: "h", password: "geheim" } };

test("a connector is added, shown with its state and without its secrets", async () => {
  const added = await call("POST", "/Connectors", { json: connector });
  expect(added.status).toBe(201);
  const { body } = await call("GET", "/Connectors");
  expect(body.connectors).toEqual([
    {
      ...{ name: "carrier", kind: "smpp", carrier_account: "carrier", is_enabled: true },
      opt_outs_upstream: false,
      name_segments_per_second: null,
      state: {
        ...{ phase: "bound", cause: null, next_attempt_at: null, window: 10, in_flight: 2 },
        throttled_to: 25,
      },
    },
  ]);
  expect((await call("POST", "/Connectors", { json: connector })).status).toBe(409);
  const [row] = await database.sql<{ settings: Buffer }[]>`select settings from connectors`;
  expect(seal.open(row?.settings ?? Buffer.of())).toBe(JSON.stringify(connector.settings));
});

test("a number enters the inventory, changes, and leaves it; its connector cannot leave before", async () => {
  const number = { number: "+15005550006", kind: "long_code", country: "US", connector: "carrier" };
  const put = (segments_per_second: number) =>
    call("POST", "/inventory", { json: { numbers: [{ ...number, segments_per_second }] } });
  expect((await put(1)).body).toEqual({ added: 1, updated: 0 });
  expect((await put(2)).body).toEqual({ added: 0, updated: 1 });
  const { body } = await call("GET", "/Inventory");
  expect(body.numbers).toEqual([
    {
      ...number,
      segments_per_second: 2,
      max_queue_seconds: 14400,
      can_mms: false,
      account_sid: null,
    },
  ]);
  expect((await call("DELETE", "/Connectors/carrier")).body.code).toBe(20409);
  expect((await call("DELETE", "/Inventory/+15005550006")).status).toBe(204);
  expect((await call("DELETE", "/Inventory/+15005550006")).status).toBe(404);
});

test("a number that an account holds stays", async () => {
  const csv =
    "number,kind,country,connector,segments_per_second,can_mms\n22395,short_code,US,carrier,100,true\n";
  expect((await call("POST", "/Inventory/Import", { csv })).body).toEqual({ added: 1, updated: 0 });
  await database.sql`update inventory set account = 1, sid = 'SC1' where number = '22395'`;
  expect((await call("DELETE", "/Inventory/22395")).body.code).toBe(20409);
  const { body } = await call("GET", "/Inventory");
  expect(body.numbers[0]).toMatchObject({ account_sid: accountBook.byId(1)?.sid, can_mms: true });
});

test("a connector says how fast one name may send; null: it carries none", async () => {
  const rate = async (json: object) =>
    (await call("POST", "/Connectors/names", { json })).body.name_segments_per_second;
  const json = { ...connector, name: "names", name_segments_per_second: 12.5 };
  const added = await call("POST", "/Connectors", { json });
  expect(added.body).toMatchObject({ name_segments_per_second: 12.5 });
  expect(await rate({ is_enabled: false })).toBe(12.5);
  expect(await rate({ name_segments_per_second: 2 })).toBe(2);
  expect(await rate({ name_segments_per_second: null })).toBeNull();
  for (const refused of [0, -1, 10_001, "fast"]) {
    const answer = await call("POST", "/Connectors/names", {
      json: { name_segments_per_second: refused },
    });
    expect(answer.body.code).toBe(20001);
  }
  expect((await call("DELETE", "/Connectors/names")).status).toBe(204);
});

test("a connector can be disabled, and removed once nothing uses it", async () => {
  await call("POST", "/Connectors", { json: { ...connector, name: "spare" } });
  const disabled = await call("POST", "/Connectors/spare", { json: { is_enabled: false } });
  expect(disabled.body).toMatchObject({ is_enabled: false, state: { phase: "stopped" } });
  expect((await call("DELETE", "/Connectors/spare")).status).toBe(204);
  expect((await call("DELETE", "/Connectors/spare")).status).toBe(404);
});

const inventory = (change: object) => ({
  json: {
    numbers: [
      {
        ...{ number: "+15005550006", kind: "long_code", country: "US", connector: "carrier" },
        ...{ segments_per_second: 1, ...change },
      },
    ],
  },
});
const refusals: [string, Parameters<typeof call>, number, RegExp][] = [
  ["no credentials", ["GET", "/OptOuts", { user: "" }], 20003, /auth token/],
  ["no JSON", ["POST", "/OptOuts", { json: "{" }], 20001, /no JSON/],
  ["no body", ["POST", "/Messages/Bulk"], 20001, /Content-Type: application\/json/],
  ["CSV for JSON", ["POST", "/Messages/Bulk", { csv: "a" }], 20001, /application\/json/],
  ["JSON for CSV", ["POST", "/OptOuts/Import", { json: {} }], 20001, /text\/csv/],
  ["no messages", ["POST", "/Messages/Bulk", { json: {} }], 20001, /messages/],
  ["a bad page size", ["GET", "/OptOuts?PageSize=1001"], 20001, /PageSize.*<= 1000/],
  ["a foreign page token", ["GET", "/OptOuts?PageToken=PAMM1"], 21481, /PageToken/],
  ["a bad pool", ["GET", "/OptOuts?Pool=%2B1%00"], 20404, /NUL/],
  ["a bad recipient", ["GET", "/OptOuts?Recipient=me"], 20001, /'me' is not a phone number/],
  ["a broken CSV", ["POST", "/OptOuts/Import", { csv: 'recipient\n"' }], 20001, /Row 2/],
  ["a foreign sid", ["GET", `/Messages/SM${"0".repeat(32)}/Timeline`], 20404, /was not found/],
  ["a bad kind", ["POST", "/Inventory", inventory({ kind: "fax" })], 20001, /long_code, toll_free/],
  ["a bad number", ["POST", "/Inventory", inventory({ number: "12" })], 20001, /'12' is no phone/],
  ["no connector", ["POST", "/Inventory", inventory({ connector: "x" })], 20001, /'x' does not/],
  [
    "bad settings",
    ["POST", "/Connectors", { json: { ...connector, settings: {} } }],
    20001,
    /host/,
  ],
  [
    "a bad CSV row",
    ["POST", "/Inventory/Import", { csv: "number,kind\n+15005550006,long_code\n" }],
    20001,
    /'row 2' .*country/,
  ],
];
test.each(refusals)(
  "%s is refused with its code and remedy",
  async (_name, request, code, words) => {
    const { body } = await call(...request);
    expect(body).toMatchObject({ code, message: expect.stringMatching(words) });
  },
);

const forOperator = [
  "/AccountLimits/AC1",
  "/Inventory",
  "/Connectors",
  "/Registrations",
  "/Prices",
  "/Connectors/carrier/Trace",
];
test.each(forOperator)("%s is for the operator", async (path) => {
  const { status, body } = await call("GET", path, { user: users.subaccount });
  expect({ status, code: body.code }).toEqual({ status: 403, code: 20403 });
});

test("test credentials reach nothing here", async () => {
  expect((await call("GET", "/OptOuts", { user: users.test })).body.code).toBe(20008);
});

test("the reference needs no credentials, and nothing from elsewhere", async () => {
  const page = await call("GET", "/", { user: "" });
  expect(page.body).toContain("GET /longwave/v1/Messages/{sid}/Timeline");
  expect(page.body).not.toMatch(/(src|href)="(?!#|\/longwave)/);
});

test("the OpenAPI document needs no credentials, and tells the version and the paths", async () => {
  const { body } = await call("GET", "/openapi.json", { user: "" });
  expect(body).toMatchObject({ openapi: "3.1.0", info: { version: "1.2.3" } });
  // That each is served as it says, compat/openapi.db.test.ts sees to.
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining(["/Messages/Bulk", "/Messages/{sid}/Timeline", "/Lanes", "/Routes"]),
  );
});
