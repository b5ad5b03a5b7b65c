import { crc32 } from "node:zlib";
import type { Judged } from "../compliance/judge-message.ts";
import { refusalOf } from "../compliance/refusals.ts";
import type { Verdict } from "../compliance/verdict.ts";
import type { Sql } from "../db/sql.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import { type IdWriter, idAfter, type MessageId, SHARD_COUNT } from "../lib/message-id.ts";
import { isCleanText, segmentBody } from "../segments/segment.ts";
import { smartEncode } from "../segments/smart-encoding.ts";
import { capacityOf } from "../senders/choose-sender.ts";
import type { AcceptedRow, MessageOptions } from "./accept-store.ts";
import { findOrInsertLane, type LaneKey } from "./lane-store.ts";
import type { MediaList } from "./media.ts";
import type { Priority } from "./message.ts";

/** The most characters that Twilio takes in a body (21617). */
export const BODY_LENGTH_MAX = 1_600;
/** Ten hours: Twilio's longest and default validity. */
export const VALIDITY_SECONDS_MAX = 36_000;
const DEFAULT_PRIORITY: Priority = 2;

export type NewMessage = {
  /** Reserved before, in any shard: however often it is accepted, it is stored once. */
  readonly id?: MessageId | undefined;
  readonly account: number;
  readonly sender: {
    readonly number: string;
    readonly segmentsPerSecond: number;
    readonly maxQueueSeconds: number;
    readonly connector: string;
    /** The messaging service that it is in: then its pool. An empty number: the service chooses. */
    readonly service?: string | null;
  };
  /** The messaging service that the message is sent through. */
  readonly service?: string | undefined;
  /** Of a message by a service: what it comes from when nobody there can carry it. */
  readonly fallbackFrom?: string | undefined;
  readonly recipient: string;
  readonly body: string;
  readonly direction: "outbound-api" | "outbound-reply";
  readonly statusCallback?: string | undefined;
  /** 1 to 36,000 seconds. */
  readonly validityS?: number | undefined;
  readonly priority?: Priority | undefined;
  readonly smartEncoded?: boolean | undefined;
  readonly provideFeedback?: boolean | undefined;
  readonly isKeywordReply?: boolean | undefined;
  /** Its sender calls it marketing: it has quiet hours. */
  readonly isMarketing?: boolean | undefined;
  readonly media?: MediaList | undefined;
};

/** Makes the row of a message: its lane, id, segments and end. Refuses what cannot be sent. */
export type Decide = (message: NewMessage) => AcceptedRow | Promise<AcceptedRow>;

export type DeciderNeeds = {
  readonly hot: Sql;
  readonly clock: Clock;
  readonly newId: IdWriter;
  readonly isSimulated: (connector: string) => boolean;
  /** The account's own; without it 2. */
  readonly defaultPriorityOf?: (account: number) => Priority | undefined;
  /** The rules' word on a message, from memory. */
  readonly judge: (message: Judged) => Verdict;
};

/** Where the messages of one sender in one pool wait. */
type Place = LaneKey & { readonly shard: number; readonly lane: number };

/** At once, without a promise, where the lane is known: as for nearly all messages of a bulk. */
export function createDecider(app: DeciderNeeds): Decide {
  const places = new Map<string, Place | Promise<Place>>();

  const placeOf = (key: LaneKey): Place | Promise<Place> => {
    const name = `${key.account} ${key.pool} ${key.sender}`;
    const known = places.get(name);
    if (known !== undefined) return known;
    const shard = shardOfPool(key.account, key.pool);
    const found = findOrInsertLane(app.hot, shard, key).then((lane) => {
      const place = { ...key, shard, lane };
      places.set(name, place);
      return place;
    });
    places.set(name, found);
    found.catch(() => places.delete(name));
    return found;
  };

  return (message) => {
    const body = message.smartEncoded === true ? smartEncode(message.body) : message.body;
    refuseUnsendable(body);
    const validityS = message.validityS ?? VALIDITY_SECONDS_MAX;
    const validUntil = new Date(app.clock().getTime() + validityS * SECOND);
    refuseUnlawful(app, message, validUntil);
    const { account, sender } = message;
    const place = placeOf({ account, pool: poolOf(sender), sender: sender.number });
    return place instanceof Promise
      ? place.then((found) => rowOf(app, { message, body, validUntil }, found))
      : rowOf(app, { message, body, validUntil }, place);
  };
}

function rowOf(
  app: DeciderNeeds,
  { message, body, validUntil }: { message: NewMessage; body: string; validUntil: Date },
  { account, pool, sender, shard, lane }: Place,
): AcceptedRow {
  const { encoding, segments } = segmentBody(body);
  // Written out, as all objects made for each message: a spread costs microseconds.
  return {
    id: message.id === undefined ? app.newId(shard) : idAfter(message.id, { index: 0, shard }),
    account,
    pool,
    sender,
    lane,
    body,
    encoding,
    // With media it is one MMS, however long its text is: so Twilio counts it.
    segments: message.media === undefined ? segments : 1,
    laneCapacity: capacityOf(message.sender),
    direction: message.direction,
    recipient: message.recipient,
    validUntil,
    priority: message.priority ?? app.defaultPriorityOf?.(account) ?? DEFAULT_PRIORITY,
    statusCallback: message.statusCallback,
    isSimulated: app.isSimulated(message.sender.connector),
    options: optionsOf(message),
    mayBeStored: message.id !== undefined,
  };
}

/** A messaging service for each of its senders; another sender is a pool of its own. */
export function poolOf(sender: Pick<NewMessage["sender"], "number" | "service">): string {
  return sender.service ?? sender.number;
}

export function shardOfPool(account: number, pool: string): number {
  return crc32(`${account} ${pool}`) % SHARD_COUNT;
}

function optionsOf(message: NewMessage): MessageOptions | undefined {
  if (message.isKeywordReply === true) return { isKeywordReply: true };
  const { provideFeedback, isMarketing, service, fallbackFrom, media } = message;
  const isMarked = provideFeedback === true || isMarketing === true;
  if (!isMarked && service === undefined && media === undefined) return undefined;
  return {
    ...(provideFeedback === true ? { provideFeedback: true } : {}),
    ...(isMarketing === true ? { isMarketing: true } : {}),
    ...(service === undefined ? {} : { service }),
    ...(fallbackFrom === undefined ? {} : { fallbackFrom }),
    ...(media === undefined ? {} : { media }),
  };
}

function refuseUnsendable(body: string): void {
  if (body.length > BODY_LENGTH_MAX) {
    throw new ApiError(
      400,
      21617,
      `The body has ${body.length} characters, the limit is ${BODY_LENGTH_MAX}. Shorten it or send several messages.`,
    );
  }
  if (!isCleanText(body)) {
    throw new ApiError(
      400,
      21619,
      "The body holds a NUL character or half of a surrogate pair. Send valid Unicode text.",
    );
  }
}

function refuseUnlawful(app: DeciderNeeds, message: NewMessage, validUntil: Date): void {
  const judged = {
    account: message.account,
    sender: message.sender.number,
    recipient: message.recipient,
    connector: message.sender.connector,
    isKeywordReply: message.isKeywordReply === true,
    isMarketing: message.isMarketing === true,
    validUntil,
  };
  const verdict = app.judge(judged);
  if (verdict.kind === "refused") throw refusalOf(verdict.errorCode, judged);
}
