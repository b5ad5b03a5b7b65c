import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { keywordAnswer } from "../compliance/keyword-reply.ts";
import type { KeywordSet } from "../compliance/keyword-sets.ts";
import { readKeyword, type SenderKind } from "../compliance/keywords.ts";
import { findOptedOut, insertOptOuts, removeOptOuts } from "../compliance/store.ts";
import type { AnswerFate, InboundPart } from "../connectors/connector.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter, Stamp } from "../events/log.ts";
import { type Clock, DAY, SECOND } from "../lib/clock.ts";
import type { IdWriter } from "../lib/message-id.ts";
import { countryOf, parsePhoneNumber } from "../numbers/phone-number.ts";
import { segmentBody } from "../segments/segment.ts";
import { type NewMessage, poolOf, shardOfPool } from "./decide-message.ts";
import type { InboundAnswers } from "./inbound-answers.ts";
import {
  deleteUnansweredBefore,
  disownUnanswered,
  findSilentTexts,
  forgetParts,
  insertUnanswered,
  joinPart,
  type KeywordReply,
  lockTexts,
  storeInbound,
  takeParts,
  takeUnanswered,
} from "./inbound-store.ts";
import { isMediaUrl, MEDIA_MAX, type MediaList, mediaWithType } from "./media.ts";

/** The number that a phone texted, as its account has set it up. */
export type TextedNumber = NewMessage["sender"] & {
  readonly account: number | undefined;
  readonly kind: SenderKind;
  /** What an opt-in opens again; the number alone when left out. */
  readonly pools?: readonly string[];
  /** What its service adds to the built-in keywords. */
  readonly keywordSets?: readonly KeywordSet[];
  readonly smsUrl: string;
};

export type InboundNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly newId: IdWriter;
  /** A phone's texts go through one of them, so they keep their order. */
  readonly writers: readonly EventWriter[];
  readonly numberOf: (recipient: string) => TextedNumber | undefined;
  readonly accept: (message: NewMessage) => Promise<unknown>;
  readonly answers: Pick<InboundAnswers, "follow">;
  readonly onReceived: () => void;
};

export type InboundCarrier = {
  readonly carrierAccount: string;
  readonly isSimulated: boolean;
  readonly optOutsUpstream: boolean;
};

const MISSING_PARTS = 30009;
/** Carriers wait at least so long for an answer before they send a text again on the same bind. */
const TIMED_OUT_MS = 5 * SECOND;
/** So long carriers go on to bring a text that was not answered. */
const BROUGHT_FOR_MS = DAY;

/**
 * Takes a text from a phone. Resolves when it is durable, so that only then the carrier is
 * answered; what it resolves with is to be told what became of the answer. A text that the carrier
 * brings again for want of it is stored once: docs/decisions/0031-inbound-texts-once.md. A text to
 * a number that nobody holds is dropped: there is no one to tell.
 */
export async function receiveText(
  app: InboundNeeds,
  { carrier, bind }: { readonly carrier: InboundCarrier; readonly bind: string },
  part: InboundPart,
): Promise<(fate: AnswerFate) => void> {
  const number = app.numberOf(part.recipient) ?? app.numberOf(`+${part.recipient}`);
  if (number?.account === undefined) return () => undefined;
  const receivedAt = app.clock();
  const text = {
    ...{ carrierAccount: carrier.carrierAccount, sha256: digestOf(part), bind, receivedAt },
    expiresAt: new Date(receivedAt.getTime() + BROUGHT_FOR_MS),
  };
  const { unanswered, reply } = await writerOf(app, part).commit(1, (stamp) =>
    app.sql.begin(async (transaction) => {
      const sql = transaction as unknown as Sql;
      await lockTexts(sql, text.carrierAccount, part);
      const timedOutBefore = new Date(receivedAt.getTime() - TIMED_OUT_MS);
      const repeated = await takeUnanswered(sql, text, timedOutBefore);
      if (repeated !== undefined) {
        return { unanswered: repeated.unanswered, reply: repeated.reply ?? undefined };
      }
      const body =
        part.total > 1 ? await joinPart(sql, text.carrierAccount, part, receivedAt) : part.text;
      if (part.total > 1 && body !== undefined) await forgetParts(sql, text.carrierAccount, part);
      const received = { number, sender: readSender(part), body, media: readMedia(part) };
      const reply = await storeText({ ...app, sql }, carrier, received, stamp);
      return { unanswered: await insertUnanswered(sql, { ...text, reply }), reply };
    }),
  );
  app.onReceived();
  const sender = parsePhoneNumber(readSender(part));
  if (reply !== undefined && sender !== undefined) {
    const id = BigInt(reply.id);
    await app
      .accept({
        ...{ id, account: number.account, sender: number, recipient: sender, body: reply.body },
        ...{ direction: "outbound-reply", isKeywordReply: true, priority: 0 },
      })
      .catch(async (error: unknown) => {
        // The carrier is told to bring the text again, on this bind, too: then the reply is tried.
        await disownUnanswered(app.sql, unanswered);
        throw error;
      });
  }
  return app.answers.follow(unanswered, { ...text, reply });
}

/**
 * What is not awaited any more: a long text whose other parts did not come within a day is
 * received as it is, with Twilio's 30009, for half a text is more than none.
 */
export async function endWaiting(
  app: InboundNeeds,
  carrierOf: (carrierAccount: string) => InboundCarrier,
): Promise<void> {
  const now = app.clock();
  await deleteUnansweredBefore(app.sql, now);
  for (const text of await findSilentTexts(app.sql, new Date(now.getTime() - BROUGHT_FOR_MS))) {
    const number = app.numberOf(text.recipient) ?? app.numberOf(`+${text.recipient}`);
    await writerOf(app, text).commit(1, (stamp) =>
      app.sql.begin(async (transaction) => {
        const sql = transaction as unknown as Sql;
        await lockTexts(sql, text.carrierAccount, text);
        const parts = await takeParts(sql, text);
        if (number === undefined || parts.length === 0) return;
        const received = { number, sender: readSender(text), body: parts.join("") };
        const incomplete = { ...received, errorCode: MISSING_PARTS };
        await storeText({ ...app, sql }, carrierOf(text.carrierAccount), incomplete, stamp);
      }),
    );
    app.onReceived();
  }
}

/** Stores a text with its event, its webhook's job and what its keyword means; gives the reply. */
async function storeText(
  app: InboundNeeds,
  carrier: InboundCarrier,
  of: {
    readonly number: TextedNumber;
    readonly sender: string;
    readonly body: string | undefined;
    readonly errorCode?: number;
    readonly media?: MediaList | undefined;
  },
  stamp: Stamp,
): Promise<KeywordReply | undefined> {
  const { number, body, errorCode } = of;
  const { account } = number;
  if (body === undefined || account === undefined) return undefined;
  const scope = { account, pool: poolOf(number) };
  const sender = parsePhoneNumber(of.sender);
  const keywordScope = { sets: number.keywordSets ?? [], country: sender && countryOf(sender) };
  const keyword = readKeyword(body, number.kind, keywordScope);
  const wasOptedOut =
    keyword !== undefined && sender !== undefined
      ? ((await findOptedOut(app.sql, [{ ...scope, recipient: sender }]))[0] ?? false)
      : false;
  const answer =
    keyword &&
    keywordAnswer({
      ...{ keyword, senderKind: number.kind, wasOptedOut },
      ...{ optOutsUpstream: carrier.optOutsUpstream, scope: keywordScope },
    });
  const { encoding, segments } = segmentBody(body);
  await storeInbound(
    app.sql,
    {
      ...{ id: app.newId(shardOfPool(account, number.number)), account, body, encoding },
      ...{ sender: of.sender, recipient: number.number, errorCode },
      segments: of.media === undefined ? Math.min(segments, 255) : 1,
      media: of.media,
      isSimulated: carrier.isSimulated,
      webhookHost: hostOf(number.smsUrl),
      keyword: answer?.optOutType,
      service: number.service ?? undefined,
    },
    stamp,
  );
  if (sender === undefined || answer === undefined) return undefined;
  if (answer.record === "opt-out") {
    // Of the number, too: that holds when it leaves its service.
    for (const pool of new Set([scope.pool, number.number])) {
      const source = { account, pool, source: "keyword", keyword: keyword?.word ?? "" } as const;
      await insertOptOuts(app.sql, source, [sender], app.clock());
    }
  }
  if (answer.record === "opt-in") {
    await removeOptOuts(app.sql, { account, pools: number.pools ?? [scope.pool] }, [sender]);
  }
  return answer.reply === undefined ? undefined : { id: String(app.newId(0)), body: answer.reply };
}

function writerOf(app: InboundNeeds, { sender }: Pick<InboundPart, "sender">): EventWriter {
  const writer = app.writers[crc32(sender) % app.writers.length];
  if (writer === undefined) throw new Error("Inbound texts have no writer.");
  return writer;
}

/** With its plus when it is a phone number; else as the carrier wrote it. */
function readSender({ sender }: Pick<InboundPart, "sender">): string {
  return parsePhoneNumber(sender) ?? parsePhoneNumber(`+${sender}`) ?? sender;
}

function readMedia({ media = [] }: InboundPart): MediaList | undefined {
  const taken = media.filter(({ url }) => isMediaUrl(url)).slice(0, MEDIA_MAX);
  if (taken.length === 0) return undefined;
  return taken.map(({ url, contentType }) => mediaWithType(url, contentType));
}

function digestOf(part: InboundPart): Buffer {
  const { sender, recipient, reference, total, part: place, text } = part;
  const fields = [sender, recipient, reference, total, place, text];
  if (part.carrierMessageId !== undefined) fields.push(part.carrierMessageId);
  return createHash("sha256").update(JSON.stringify(fields)).digest();
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
