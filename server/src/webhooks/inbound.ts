import type { Sql } from "../db/sql.ts";
import { MINUTE } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import { type IdWriter, idAfter, type MessageId } from "../lib/message-id.ts";
import type { MessageSids } from "../lib/sid.ts";
import type { Message } from "../messages/message.ts";
import { countryOf, parsePhoneNumber } from "../numbers/phone-number.ts";
import type { AttemptLog } from "./attempt-log.ts";
import { type Caller, callCustomer, hostOf, shownUrl } from "./call.ts";
import { formOf } from "./form.ts";
import { type Retry, reserveReplies } from "./store.ts";
import { parseTwiml, type TwimlReply } from "./twiml.ts";
import { errorCodeOf, type Verdict, verdictOn } from "./verdict.ts";

export type SenderWebhooks = {
  readonly smsUrl: string;
  readonly smsMethod: "GET" | "POST";
  readonly smsFallbackUrl: string;
  readonly smsFallbackMethod: "GET" | "POST";
};

/** A reply to an inbound message. */
export type Reply = {
  /** Reserved, and the same when the reply is asked for again: it is to be accepted once. */
  readonly id: MessageId;
  readonly account: number;
  readonly sender: string;
  readonly recipient: string;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly statusCallback: string | undefined;
  readonly inReplyTo: MessageId;
};

export type InboundNeeds = Caller & {
  sql: Sql;
  newId: IdWriter;
  sids: MessageSids;
  accountSid: (account: number) => string;
  senderOf: (number: string, account: number) => SenderWebhooks | undefined;
  findMessage: (account: number, id: MessageId) => Promise<Message | undefined>;
  /** Accepts durably; throws an ApiError when the reply itself is at fault. */
  reply: (reply: Reply) => Promise<void>;
  attempts: AttemptLog;
};

type Document = { url: string; method: "GET" | "POST"; extra: Readonly<Record<string, string>> };

type Script =
  | { readonly kind: "replies"; readonly replies: readonly TwimlReply[] }
  | { readonly kind: "stopped"; readonly verdict: Verdict };

/** An answer that comes later than this is kept in the attempts, but its TwiML is not run. */
const TWIML_RUNS_FOR_MS = 10 * MINUTE;
// Twilio's own bounds: 14106 allows 50 documents, 14109 ten messages.
const DOCUMENTS_MAX = 10;
const REPLIES_MAX = 10;

/** Tells the owner of a number of a text, and accepts what the TwiML in the answer says. */
export async function tellInbound(app: InboundNeeds, row: Retry): Promise<Verdict> {
  const message = await app.findMessage(row.account, row.id);
  const webhooks = message && app.senderOf(message.recipient, row.account);
  if (message === undefined || webhooks === undefined || webhooks.smsUrl === "") {
    return { kind: "never", isHostWell: true };
  }
  const script = await fetchScript(app, { row, message, webhooks });
  if (script.kind === "stopped") return script.verdict;
  const isTooLate = app.clock().getTime() - row.firstAt.getTime() > TWIML_RUNS_FOR_MS;
  if (!isTooLate && row.kind === "inbound" && script.replies.length > 0) {
    await acceptReplies(app, { row, message }, script.replies);
  }
  return { kind: "done", isHostWell: true };
}

/** The host of a message's webhook: where its row in `retries` waits. */
export function inboundHost(webhooks: SenderWebhooks): string {
  return hostOf(webhooks.smsUrl);
}

type Subject = { row: Retry; message: Message; webhooks: SenderWebhooks };

async function fetchScript(app: InboundNeeds, subject: Subject): Promise<Script> {
  const { webhooks } = subject;
  const replies: TwimlReply[] = [];
  let document: Document = { url: webhooks.smsUrl, method: webhooks.smsMethod, extra: {} };
  let mayFallBack = webhooks.smsFallbackUrl !== "";
  for (let fetched = 0; fetched < DOCUMENTS_MAX; fetched += 1) {
    const { verdict, twiml } = await fetchDocument(app, subject, document);
    if (twiml.kind === "document") {
      replies.push(...twiml.replies);
      if (twiml.redirect === undefined) return { kind: "replies", replies };
      document = { ...twiml.redirect, extra: {} };
    } else if (mayFallBack) {
      mayFallBack = false;
      const extra = { ErrorCode: String(twiml.errorCode), ErrorUrl: document.url };
      document = {
        url: webhooks.smsFallbackUrl,
        method: webhooks.smsFallbackMethod,
        extra,
      };
    } else if (verdict.kind === "done") {
      // The text was received; asking again would bring the same unreadable answer.
      return { kind: "stopped", verdict: { kind: "never", isHostWell: true } };
    } else return { kind: "stopped", verdict };
  }
  return { kind: "replies", replies };
}

async function fetchDocument(app: InboundNeeds, subject: Subject, document: Document) {
  const { row, message } = subject;
  const sid = app.sids.sidOf(row.id);
  const { answer, url, at, durationMs } = await callCustomer(app, {
    account: row.account,
    url: document.url,
    method: document.method,
    form: formOf({ ...inboundForm(app, row, message), ...document.extra }),
    webhookId: `${sid}-inbound`,
  });
  const errorCode = errorCodeOf(answer);
  const twiml =
    answer.kind === "answered" && errorCode === undefined
      ? parseTwiml({ contentType: answer.headers["content-type"] ?? "", body: answer.body, url })
      : { kind: "invalid" as const, errorCode: errorCode ?? 11200 };
  const codes = twiml.kind === "invalid" ? [twiml.errorCode] : twiml.warnings;
  app.attempts.add({
    id: row.id,
    at,
    account: row.account,
    kind: "inbound",
    about: "inbound",
    attempt: row.attempt + 1,
    url: shownUrl(document.url),
    httpStatus: answer.kind === "answered" ? answer.status : undefined,
    error: codes.length === 0 ? undefined : codes.join(" "),
    durationMs,
  });
  return { verdict: verdictOn(answer, app.clock), twiml };
}

/**
 * The ids are in the webhook's row before anything is accepted: when the process dies before the
 * row is done, the webhook comes again, and its replies are not sent a second time.
 */
async function acceptReplies(
  app: InboundNeeds,
  { row, message }: { readonly row: Retry; readonly message: Message },
  replies: readonly TwimlReply[],
): Promise<void> {
  const first = await reserveReplies(app.sql, row.retry, app.newId(0, REPLIES_MAX));
  if (first === undefined) return;
  for (const [index, reply] of replies.slice(0, REPLIES_MAX).entries()) {
    try {
      await app.reply({
        id: idAfter(first, { index, shard: 0 }),
        account: message.account,
        sender: reply.from ?? message.recipient,
        recipient: reply.to ?? message.sender,
        body: reply.body,
        mediaUrls: reply.mediaUrls,
        statusCallback: reply.statusCallback,
        inReplyTo: message.id,
      });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500) throw error;
      recordRefusal(app, message, error);
    }
  }
}

function recordRefusal(app: InboundNeeds, message: Message, error: ApiError): void {
  app.attempts.add({
    id: message.id,
    at: app.clock(),
    account: message.account,
    kind: "inbound",
    about: "reply",
    attempt: 1,
    url: "",
    httpStatus: undefined,
    error: String(error.code),
    durationMs: 0,
  });
}

function inboundForm(app: InboundNeeds, row: Retry, message: Message): Record<string, string> {
  const sid = app.sids.sidOf(message.id);
  const media = message.media?.filter((one) => one !== null) ?? [];
  const form: Record<string, string> = {
    AccountSid: app.accountSid(message.account),
    ApiVersion: "2010-04-01",
    Body: message.body,
    From: message.sender,
    FromCity: "",
    FromCountry: countryAt(message.sender),
    FromState: "",
    FromZip: "",
    MessageSid: sid,
    NumMedia: String(media.length),
    NumSegments: String(message.segments),
    SmsMessageSid: sid,
    SmsSid: sid,
    SmsStatus: "received",
    To: message.recipient,
    ToCity: "",
    ToCountry: countryAt(message.recipient),
    ToState: "",
    ToZip: "",
  };
  for (const [place, { url, contentType }] of media.entries()) {
    form[`MediaUrl${place}`] = url;
    form[`MediaContentType${place}`] = contentType;
  }
  if (message.service !== undefined) form.MessagingServiceSid = message.service;
  if (typeof row.data.keyword === "string") form.OptOutType = row.data.keyword;
  return form;
}

/** Empty for a short code or a name. */
function countryAt(address: string): string {
  const number = parsePhoneNumber(address);
  return (number && countryOf(number)) ?? "";
}
