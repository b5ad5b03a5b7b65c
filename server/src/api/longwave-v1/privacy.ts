import type { Account } from "../../accounts/account.ts";
import { listKeys } from "../../accounts/store.ts";
import type { RuleBook } from "../../compliance/rule-book.ts";
import { listOptOuts, type OptOut } from "../../compliance/store.ts";
import type { Sql } from "../../db/sql.ts";
import { ApiError, invalidParameter } from "../../lib/errors.ts";
import type { MessageId } from "../../lib/message-id.ts";
import type { MessageSids, Sid } from "../../lib/sid.ts";
import { eraseMessages, erasePassing } from "../../messages/erase-store.ts";
import { mediaUrls } from "../../messages/media.ts";
import type { Message } from "../../messages/message.ts";
import { listMessages } from "../../messages/store.ts";
import { type PhoneNumber, parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { SenderBook } from "../../senders/sender-book.ts";
import type { Service } from "../../senders/service.ts";
import { type Call, count, objectOf, type Route } from "./route.ts";

export type PrivacyNeeds = {
  readonly sql: Sql;
  readonly messageSids: MessageSids;
  readonly senderBook: Pick<SenderBook, "find" | "ofAccount" | "servicesOf">;
  readonly ruleBook: Pick<RuleBook, "current">;
};

/** Rows of one read: some 500 kB with bodies. */
const PAGE_LENGTH = 500;
const ERASE_LENGTH = 200;
/** Messages that one request erases: some ten seconds of work. */
const ERASED_MAX = 10_000;

export function privacyRoutes(app: PrivacyNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Export",
      id: "ExportAccount",
      summary: "Everything of the account, one JSON object a line; bodies only when asked for",
      query: { Bodies: { type: "boolean", default: false } },
      answer: { status: 200, lines: true },
      handle: async ({ account, query }) =>
        exportAccount(app, account, { isWithBodies: String(query.Bodies) === "true" }),
    },
    {
      method: "GET",
      path: "/Phones/{number}/Export",
      id: "ExportPhone",
      summary: "What the account has about one phone, with bodies, one JSON object a line",
      answer: { status: 200, lines: true },
      handle: async (call) => exportPhone(app, call.account, readPhone(app, call)),
    },
    {
      method: "POST",
      path: "/Phones/{number}/Erase",
      id: "ErasePhone",
      summary: "Erasing a phone's number and the bodies of its messages; its opt-outs stay",
      answer: {
        status: 200,
        schema: objectOf({
          erased: { ...count, description: "Messages that hold neither number nor body now." },
          under_way: { ...count, description: "Messages that are not finished: ask again later." },
          is_complete: { type: "boolean", description: "False: more are left; ask again." },
          opt_outs_kept: { ...count, description: "They stay, so that nobody texts it again." },
        }),
      },
      handle: (call) => erase(app, call.account, readPhone(app, call)),
    },
  ];
}

async function* exportAccount(
  app: PrivacyNeeds,
  account: Account,
  { isWithBodies }: { isWithBodies: boolean },
): AsyncGenerator<string> {
  const { sid, friendlyName, status, createdAt } = account;
  yield line("account", { sid, friendly_name: friendlyName, status, date_created: createdAt });
  yield* exportKeys(app, account.id);
  for (const number of app.senderBook.ofAccount(account.id)) {
    yield line("number", {
      ...{ sid: number.sid, number: number.number, kind: number.kind, country: number.country },
      ...{ friendly_name: number.friendlyName, sms_url: number.smsUrl },
      ...{ sms_method: number.smsMethod, sms_fallback_url: number.smsFallbackUrl },
      ...{ service_sid: number.service ?? null, date_created: number.createdAt },
    });
  }
  for (const service of app.senderBook.servicesOf(account.id)) {
    yield line("service", describeService(app, service));
  }
  yield* exportOptOuts(app, { account: account.id });
  yield* exportMessages(app, { account: account.id }, isWithBodies);
}

function describeService({ ruleBook }: PrivacyNeeds, service: Service) {
  const { account: _account, numbers, alphaSenders, createdAt, updatedAt, kept, ...own } = service;
  const keywordSets = ruleBook.current().keywordSets.get(service.sid) ?? [];
  const settings = Object.entries({ ...own, ...kept, keywordSets }).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return {
    ...Object.fromEntries(settings),
    senders: [...numbers.map(({ number }) => number), ...alphaSenders.map(({ name }) => name)],
    date_created: createdAt,
    date_updated: updatedAt,
  };
}

async function* exportPhone(
  app: PrivacyNeeds,
  { id: account }: Account,
  phone: PhoneNumber,
): AsyncGenerator<string> {
  yield* exportOptOuts(app, { account, recipient: phone });
  yield* exportMessages(app, { account, to: phone }, true);
  yield* exportMessages(app, { account, from: phone }, true);
}

async function* exportKeys({ sql }: PrivacyNeeds, account: number): AsyncGenerator<string> {
  let beforeSid: Sid | undefined;
  do {
    const page = await listKeys(sql, { account, beforeSid, limit: PAGE_LENGTH });
    for (const { sid, friendlyName, createdAt } of page) {
      yield line("key", { sid, friendly_name: friendlyName, date_created: createdAt });
    }
    beforeSid = page.length === PAGE_LENGTH ? page.at(-1)?.sid : undefined;
  } while (beforeSid !== undefined);
}

async function* exportOptOuts(
  { sql }: PrivacyNeeds,
  filter: { account: number; recipient?: PhoneNumber },
): AsyncGenerator<string> {
  let after: OptOut | undefined;
  do {
    const page: OptOut[] = await listOptOuts(sql, { ...filter, after, limit: PAGE_LENGTH });
    for (const { pool, recipient, source, keyword, optedOutAt } of page) {
      const optOut = { pool, recipient, source, keyword: keyword ?? null };
      yield line("opt_out", { ...optOut, date_opted_out: optedOutAt });
    }
    after = page.length === PAGE_LENGTH ? page.at(-1) : undefined;
  } while (after !== undefined);
}

/** Newest first, a page at a time: no transaction stays open, and memory holds one page. */
async function* exportMessages(
  app: PrivacyNeeds,
  filter: { account: number; to?: string; from?: string },
  isWithBodies: boolean,
): AsyncGenerator<string> {
  let beforeId: MessageId | undefined;
  do {
    const from = beforeId === undefined ? {} : { beforeId };
    const page = await listMessages(app.sql, { ...filter, ...from, limit: PAGE_LENGTH });
    const lines = page.map((message) => line("message", describe(app, message, isWithBodies)));
    if (lines.length > 0) yield lines.join("");
    beforeId = page.length === PAGE_LENGTH ? page.at(-1)?.id : undefined;
  } while (beforeId !== undefined);
}

function describe({ messageSids }: PrivacyNeeds, message: Message, isWithBody: boolean) {
  return {
    sid: messageSids.sidOf(message.id),
    direction: message.direction,
    from: message.sender,
    to: message.recipient,
    status: message.status,
    error_code: message.errorCode ?? null,
    num_segments: message.segments,
    date_created: message.createdAt,
    date_sent: message.sentAt ?? null,
    ...(isWithBody ? { body: message.body, media: mediaUrls(message.media) ?? [] } : {}),
  };
}

function line(type: string, properties: object): string {
  return `${JSON.stringify({ type, ...properties })}\n`;
}

async function erase({ sql }: PrivacyNeeds, { id: account }: Account, phone: PhoneNumber) {
  let before: MessageId | undefined;
  let erased = 0;
  let seen = 0;
  do {
    const batch = await eraseMessages(sql, { account, phone, before, limit: ERASE_LENGTH });
    erased += batch.erased;
    seen += batch.seen.length;
    before = batch.seen.length === ERASE_LENGTH ? batch.seen.at(-1) : undefined;
  } while (before !== undefined && seen < ERASED_MAX);
  await erasePassing(sql, { account, phone });
  const kept = await listOptOuts(sql, { account, recipient: phone, limit: PAGE_LENGTH });
  return {
    ...{ erased, under_way: seen - erased },
    ...{ is_complete: before === undefined, opt_outs_kept: kept.length },
  };
}

/** The number of somebody else's phone: the account's own numbers are in every message. */
function readPhone(app: PrivacyNeeds, { account, params }: Call): PhoneNumber {
  const given = params.number ?? "";
  const phone = parsePhoneNumber(given);
  if (phone === undefined) {
    throw invalidParameter("number", `'${given}' is not a phone number. Write it as +12025550123.`);
  }
  if (app.senderBook.find(account.id, phone) === undefined) return phone;
  throw new ApiError(400, 20001, `${phone} is a sender of this account, not somebody's phone.`);
}
