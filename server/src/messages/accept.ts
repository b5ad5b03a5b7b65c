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
/** A statement's worth; 500 make a message hardly cheaper, and take a core for twice as long. */
const BULK_SLICE_MAX = 250;
/** Messages decided on between two turns of the event loop: some two milliseconds of work. */
const DECIDED_AT_ONCE_MAX = 100;
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

export type Accepter = {
  /** Resolves when the message is durable. Rejects with ApiError: 21617, 21610, 21611, 20429. */
  readonly accept: (message: NewMessage) => Promise<Message>;
  /** Each accepted or refused on its own, in order. Yields to single messages. */
  readonly acceptBulk: (
    messages: readonly NewMessage[],
  ) => Promise<readonly (Message | ApiError)[]>;
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
  const single = { hot: app.hot, writer: app.writers.single, direct: app.direct };
  const inBulk = { hot: app.bulk, writer: app.writers.bulk, direct: undefined };

  const store = async (
    rows: readonly AcceptedRow[],
    by: Omit<typeof single, "direct"> & Pick<AccepterNeeds, "direct">,
  ) => {
    const { writer } = by;
    const storing = { hot: by.hot, isClosed: () => isClosed };
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
    return rows.map((row) => resultOf(row, verdicts.get(row.id)));
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
      return await store(rows, inBulk);
    },
  };
  const batcher = createBatcher<AcceptedRow, Message | ApiError>({
    run: (rows) => {
      const stored = store(rows, single);
      singles = stored.catch(() => undefined);
      lastSingleAt = performance.now();
      return stored;
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

type BulkSteps = {
  readonly decide: (message: NewMessage) => Promise<AcceptedRow>;
  readonly store: (rows: readonly AcceptedRow[]) => Promise<readonly (Message | ApiError)[]>;
};

/** One slice is decided on while the one before it is stored. */
async function acceptBulk(messages: readonly NewMessage[], steps: BulkSteps) {
  const results: (Message | ApiError)[] = [];
  let decided = await decideAll(messages.slice(0, BULK_SLICE_MAX), steps);
  for (let end = decided.length; decided.length > 0; end += decided.length) {
    const next = messages.slice(end, end + BULK_SLICE_MAX);
    const [stored, nextDecided] = await Promise.all([
      storeDecided(decided, steps),
      decideAll(next, steps),
    ]);
    results.push(...stored);
    decided = nextDecided;
  }
  return results;
}

async function decideAll(messages: readonly NewMessage[], { decide }: BulkSteps) {
  const decided: (AcceptedRow | ApiError)[] = [];
  for (let start = 0; start < messages.length; start += DECIDED_AT_ONCE_MAX) {
    const some = messages.slice(start, start + DECIDED_AT_ONCE_MAX);
    decided.push(...(await Promise.all(some.map((one) => decide(one).catch(asApiError)))));
    await new Promise((done) => setImmediate(done));
  }
  return decided;
}

async function storeDecided(decided: readonly (AcceptedRow | ApiError)[], { store }: BulkSteps) {
  const rows = decided.filter((row): row is AcceptedRow => !(row instanceof ApiError));
  const stored = (rows.length > 0 ? await store(rows) : []).values();
  return decided.map((row) => (row instanceof ApiError ? row : stored.next().value)) as (
    | Message
    | ApiError
  )[];
}

/** Makes the row of a message: its lane, id, segments and end. Refuses what cannot be sent. */
function createDecider(app: AccepterNeeds): (message: NewMessage) => Promise<AcceptedRow> {
  const lanes = new Map<string, Promise<number>>();

  const laneOf = (shard: number, key: LaneKey): Promise<number> => {
    const name = `${key.account} ${key.pool} ${key.sender}`;
    const known = lanes.get(name);
    if (known !== undefined) return known;
    const found = findOrInsertLane(app.hot, shard, key);
    lanes.set(name, found);
    found.catch(() => lanes.delete(name));
    return found;
  };

  return async (message) => {
    const body = message.smartEncoded === true ? smartEncode(message.body) : message.body;
    refuseUnsendable(body);
    const validityS = message.validityS ?? VALIDITY_SECONDS_MAX;
    const validUntil = new Date(app.clock().getTime() + validityS * SECOND);
    refuseUnlawful(app, message, validUntil);
    const pool = poolOf(message.sender);
    const shard = shardOfPool(message.account, pool);
    const key = { account: message.account, pool, sender: message.sender.number };
    const lane = await laneOf(shard, key);
    const id = message.id === undefined ? app.newId(shard) : idInPool(message.id, key);
    const { encoding, segments } = segmentBody(body);
    // Written out, as all objects made for each message: a spread costs microseconds.
    return {
      id,
      account: message.account,
      pool,
      sender: message.sender.number,
      lane,
      body,
      encoding,
      // With media it is one MMS, however long its text is: so Twilio counts it.
      segments: message.media === undefined ? segments : 1,
      laneCapacity: capacityOf(message.sender),
      direction: message.direction,
      recipient: message.recipient,
      validUntil,
      priority: message.priority ?? app.defaultPriorityOf?.(message.account) ?? DEFAULT_PRIORITY,
      statusCallback: message.statusCallback,
      isSimulated: app.isSimulated(message.sender.connector),
      options: optionsOf(message),
      mayBeStored: message.id !== undefined,
    };
  };
}

/** A messaging service for each of its senders; another sender is a pool of its own. */
export function poolOf(sender: Pick<NewMessage["sender"], "number" | "service">): string {
  return sender.service ?? sender.number;
}

export function shardOfPool(account: number, pool: string): number {
  return crc32(`${account} ${pool}`) % SHARD_COUNT;
}

/** What a reserved id becomes: the same number in the shard of its message's pool. */
function idInPool(
  reserved: MessageId,
  { account, pool }: { readonly account: number; readonly pool: string },
): MessageId {
  return idAfter(reserved, { index: 0, shard: shardOfPool(account, pool) });
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

function resultOf(row: AcceptedRow, verdict: StoreVerdict | undefined): Message | ApiError {
  switch (verdict) {
    case "stored":
    case "claimed":
    case "claim unknown":
      return asMessage(row);
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
    status: row.options?.service === undefined ? "queued" : "accepted",
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

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
