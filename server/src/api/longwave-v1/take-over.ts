import type { Account } from "../../accounts/account.ts";
import type { AccountBook } from "../../accounts/account-book.ts";
import { insertAccount } from "../../accounts/store.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { ApiError, invalidParameter, notFound } from "../../lib/errors.ts";
import type { Seal } from "../../lib/seal.ts";
import { newSid } from "../../lib/sid.ts";
import type { SenderBook } from "../../senders/sender-book.ts";
import { defaultSettings } from "../../senders/service.ts";
import { insertService } from "../../senders/service-store.ts";
import { claimNumber } from "../../senders/store.ts";
import { type Call, objectOf, type Route, text } from "./route.ts";
import { isInInventory } from "./store.ts";

export type TakeOverNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Pick<Seal, "seal">;
  readonly accountBook: Pick<AccountBook, "bySid" | "refresh">;
  readonly senderBook: Pick<SenderBook, "find" | "refresh">;
};

const url = { ...text, maxLength: 2048, pattern: "^(https?://\\S+)?$" };
const method = { type: "string", enum: ["GET", "POST"] } as const;
const webhooks = {
  friendly_name: { ...text, maxLength: 64 },
  ...{ sms_url: url, sms_method: method, sms_fallback_url: url, sms_fallback_method: method },
};
const serviceSid = { ...text, pattern: "^MG[0-9a-f]{32}$" };
const account = {
  sid: { ...text, pattern: "^AC[0-9a-f]{32}$" },
  auth_token: { ...text, pattern: "^\\S{16,128}$" },
  friendly_name: { ...text, minLength: 1, maxLength: 64 },
};
const held = objectOf({ sid: text, number: text, account_sid: text });
const service = { sid: serviceSid, account_sid: text };

/** What moves in from elsewhere with what it had there: for the operator, who claims for others. */
export function takeOverRoutes(app: TakeOverNeeds): Route[] {
  return [
    {
      method: "POST",
      path: "/Inventory/{number}/Holder",
      id: "GiveNumber",
      summary: "Giving a sender that nobody holds to an account, also a short code",
      isForOperator: true,
      body: {
        type: "json",
        schema: {
          ...{ type: "object", required: ["account_sid"] },
          properties: { account_sid: text, ...webhooks },
        },
      },
      answer: { status: 200, schema: held },
      handle: (call) => give(app, call),
    },
    {
      method: "POST",
      path: "/Services",
      id: "TakeOverService",
      summary:
        "Adding a messaging service under the sid that programs know it by; its settings are set at /v1/Services",
      isForOperator: true,
      body: { type: "json", schema: objectOf({ ...service, friendly_name: text }) },
      answer: { status: 201, schema: objectOf(service) },
      handle: (call) => takeOver(app, call),
    },
    {
      method: "POST",
      path: "/Accounts",
      id: "TakeOverAccount",
      summary: "Adding a subaccount under the sid and token that programs know it by",
      isForOperator: true,
      body: { type: "json", schema: objectOf(account) },
      answer: { status: 201, schema: objectOf({ sid: account.sid }) },
      handle: (call) => takeOverAccount(app, call),
    },
  ];
}

/** By the schema. */
type Holder = {
  account_sid: string;
  friendly_name?: string;
  sms_url?: string;
  sms_method?: "GET" | "POST";
  sms_fallback_url?: string;
  sms_fallback_method?: "GET" | "POST";
};

/** Again for the same account it changes nothing. */
async function give(app: TakeOverNeeds, { params, body }: Call) {
  const given = body as Holder;
  const account = findAccount(app, given.account_sid);
  const number = params.number ?? "";
  const isShortCode = !number.startsWith("+");
  const at = app.clock();
  const claimed = await claimNumber(
    app.sql,
    { account: account.id, number, sid: newSid(isShortCode ? "SC" : "PN", at) },
    {
      friendlyName: given.friendly_name,
      ...{ smsUrl: given.sms_url, smsMethod: given.sms_method },
      ...{ smsFallbackUrl: given.sms_fallback_url, smsFallbackMethod: given.sms_fallback_method },
    },
    at,
  );
  await app.senderBook.refresh();
  const sender = claimed ?? app.senderBook.find(account.id, number);
  if (sender !== undefined) return { sid: sender.sid, number, account_sid: account.sid };
  if (!(await isInInventory(app.sql, number))) throw notFound(`The number '${number}'`);
  throw new ApiError(409, 20409, `Another account holds ${number}. It must be released first.`);
}

async function takeOver(app: TakeOverNeeds, { body }: Call) {
  const { sid, ...given } = body as { sid: string; account_sid: string; friendly_name: string };
  const account = findAccount(app, given.account_sid);
  const settings = { ...defaultSettings, friendlyName: given.friendly_name };
  const key = { sid, account: account.id };
  await once(`messaging service ${sid}`, insertService(app.sql, key, settings, app.clock()));
  await app.senderBook.refresh();
  return { sid, account_sid: account.sid };
}

async function takeOverAccount(app: TakeOverNeeds, { account: operator, body }: Call) {
  const given = body as { sid: string; auth_token: string; friendly_name: string }; // by the schema
  const stored = insertAccount(app.sql, {
    ...{ sid: given.sid, parent: operator.id, friendlyName: given.friendly_name, isTest: false },
    ...{ sealedToken: app.seal.seal(given.auth_token), at: app.clock() },
  });
  await once(`account ${given.sid}`, stored);
  await app.accountBook.refresh();
  return { sid: given.sid };
}

async function once(what: string, stored: Promise<unknown>): Promise<void> {
  await stored.catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === UNIQUE_VIOLATION))
      throw error;
    throw new ApiError(409, 20409, `There is a ${what} already.`);
  });
}

const UNIQUE_VIOLATION = "23505";

function findAccount(app: TakeOverNeeds, sid: string): Account {
  const account = app.accountBook.bySid(sid);
  if (account !== undefined && !account.isTest) return account;
  throw invalidParameter("account_sid", `'${sid}' is no account here.`);
}
