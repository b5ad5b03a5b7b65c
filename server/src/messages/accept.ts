import { crc32 } from "node:zlib";
import type { Judged } from "../compliance/judge-message.ts";
import { refusalOf } from "../compliance/refusals.ts";
import type { Verdict } from "../compliance/verdict.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import {
  createdAt,
  type IdWriter,
  idAfter,
  type MessageId,
  SHARD_COUNT,
} from "../lib/message-id.ts";
import { isCleanText, segmentBody } from "../segments/segment.ts";
import { smartEncode } from "../segments/smart-encoding.ts";
import { capacityOf } from "../senders/choose-sender.ts";
import { acceptBulk } from "./accept-bulk.ts";
import {
  type AcceptedRow,
  findOrInsertLane,
  type LaneKey,
  type MessageOptions,
  type StoreVerdict,
} from "./accept-store.ts";
import type { DirectClaims } from "./direct-claims.ts";
import type { MediaList } from "./media.ts";
import type { Message, Priority } from "./message.ts";
import { failOverflow } from "./overflow.ts";
import { storeUntilCertain } from "./store-until-certain.ts";

/** The most characters that Twilio takes in a body (21617). */
export const BODY_LENGTH_MAX = 1_600;
/** Ten hours: Twilio's longest and default validity. */
export const VALIDITY_SECONDS_MAX = 36_000;
const BATCH_MAX = 1_000;
/** A bulk rests so long before each slice while single messages come in, and for a second after. */
const BULK_REST_MS = 8;
const SINGLES_MS = 1 * SECOND;
/** Messages that may wait for their batch; beyond it callers are asked to come back. */
const WAITING_MAX = 20_000;
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

/** What is told of each message of a bulk. */
export type Accepted = Pick<Message, "id" | "status">;

export type Accepter = {
  /** Resolves when the message is durable. Rejects with ApiError: 21617, 21610, 21611, 20429. */
  readonly accept: (message: NewMessage) => Promise<Message>;
  /** Each accepted or refused on its own, in order. Yields to single messages. */
  readonly acceptBulk: (
    messages: readonly NewMessage[],
  ) => Promise<readonly (Accepted | ApiError)[]>;
  readonly close: () => Promise<void>;
};

export type AccepterNeeds = {
  readonly hot: Sql;
  /** Connections of their own for bulks. */
  readonly bulk: Sql;
  readonly clock: Clock;
  readonly newId: IdWriter;
  readonly writers: { readonly single: EventWriter; readonly bulk: EventWriter };
  readonly isSimulated: (connector: string) => boolean;
  /** The account's own; without it 2. */
  readonly defaultPriorityOf?: (account: number) => Priority | undefined;
  /** The rules' word on a message, from memory. */
  readonly judge: (message: Judged) => Verdict;
  /** For single messages whose lanes this process owns; without it all go through the queue. */
  readonly direct?: DirectClaims | undefined;
  /** Told after the commit: what waits in the queue now. */
  readonly onStored: (rows: readonly AcceptedRow[]) => void;
};

export function createAccepter(app: AccepterNeeds): Accepter {
  const decide = createDecider(app);
  let isClosed = false;
  const single = {
    ...{ hot: app.hot, writer: app.writers.single, direct: app.direct, isBulk: false },
  };
  const inBulk = { hot: app.bulk, writer: app.writers.bulk, direct: undefined, isBulk: true };

  const store = async (
    rows: readonly AcceptedRow[],
    by: Omit<typeof single, "direct"> & Pick<AccepterNeeds, "direct">,
  ) => {
    const { writer } = by;
    const storing = { hot: by.hot, isClosed: () => isClosed, isBulk: by.isBulk };
    await by.direct?.ready(rows);
    const direct = by.direct?.propose(rows);
    let verdicts = new Map<MessageId, StoreVerdict>();
    try {
      verdicts = await storeUntilCertain(storing, { rows, direct }, writer);
    } finally {
      direct?.settle(verdicts);
    }
    const stored = rows.filter((row) => verdicts.get(row.id) === "stored");
    if (stored.length > 0) app.onStored(stored);
    await failOverflow(storing, { rows, verdicts }, writer);
    return verdicts;
  };

  let singles: Promise<unknown> = Promise.resolve();
  let lastSingleAt = Number.NEGATIVE_INFINITY;
  const bulk = {
    decide,
    /** After the single messages that are being stored, but before the next: neither starves. */
    store: async (rows: readonly AcceptedRow[]) => {
      if (performance.now() < lastSingleAt + SINGLES_MS) {
        await new Promise((done) => setTimeout(done, BULK_REST_MS));
      }
      await singles;
      const verdicts = await store(rows, inBulk);
      return rows.map(
        (row) => refusalOfRow(row, verdicts) ?? { id: row.id, status: statusOf(row) },
      );
    },
  };
  const batcher = createBatcher<AcceptedRow, Message | ApiError>({
    run: async (rows) => {
      const storing = store(rows, single);
      singles = storing.catch(() => undefined);
      lastSingleAt = performance.now();
      const verdicts = await storing;
      return rows.map((row) => refusalOfRow(row, verdicts) ?? asMessage(row));
    },
    batchMax: BATCH_MAX,
  });

  return {
    accept: async (message) => {
      if (batcher.size() >= WAITING_MAX) {
        throw new ApiError(429, 20429, "Too many messages wait to be stored. Try again later.");
      }
      const result = await batcher.add(await decide(message));
      if (result instanceof ApiError) throw result;
      return result;
    },
    acceptBulk: (messages) => acceptBulk(messages, bulk),
    close: async () => {
      await batcher.close();
      isClosed = true;
    },
  };
}

/** Makes the row of a message: its lane, id, segments and end. Refuses what cannot be sent. */
export type Decide = (message: NewMessage) => AcceptedRow | Promise<AcceptedRow>;

/** Where the messages of one sender in one pool wait. */
type Place = LaneKey & { readonly shard: number; readonly lane: number };

/** At once, without a promise, where the lane is known: as for nearly all messages of a bulk. */
function createDecider(app: AccepterNeeds): Decide {
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
  app: AccepterNeeds,
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

function refuseUnlawful(app: AccepterNeeds, message: NewMessage, validUntil: Date): void {
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

/** Nothing for what is stored. */
function refusalOfRow(
  row: AcceptedRow,
  verdicts: ReadonlyMap<MessageId, StoreVerdict>,
): ApiError | undefined {
  switch (verdicts.get(row.id)) {
    case "stored":
    case "claimed":
    case "claim unknown":
      return undefined;
    case "full":
      return new ApiError(
        429,
        21611,
        `The queue of the sender ${row.sender} is full. Send slower, or use a sender with more throughput.`,
      );
    case "draining":
      return new ApiError(
        429,
        21611,
        `The queue of the sender ${row.sender} is being drained and takes no new messages. Resume its lane, or use another sender.`,
      );
    case "opted out":
      return new ApiError(
        400,
        21610,
        `The recipient has opted out of messages from ${row.sender}. They can text START to it.`,
      );
    default:
      return new ApiError(400, 20001, "The message holds a value that cannot be stored.");
  }
}

function asMessage(row: AcceptedRow): Message {
  const at = createdAt(row.id);
  return {
    id: row.id,
    account: row.account,
    direction: row.direction,
    sender: row.sender,
    recipient: row.recipient,
    body: row.body,
    segments: row.segments,
    status: statusOf(row),
    errorCode: undefined,
    priceMicros: undefined,
    createdAt: at,
    sentAt: undefined,
    updatedAt: at,
    isSimulated: row.isSimulated,
    service: row.options?.service,
    media: row.options?.media,
  };
}

function statusOf({ options }: AcceptedRow): Message["status"] {
  return options?.service === undefined ? "queued" : "accepted";
}
