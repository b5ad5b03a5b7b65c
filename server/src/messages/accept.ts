import { crc32 } from "node:zlib";
import { isDatabaseAway } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import {
  createdAt,
  type IdWriter,
  type MessageId,
  SHARD_COUNT,
  shardOf,
} from "../lib/message-id.ts";
import { isCleanText, segmentBody } from "../segments/segment.ts";
import { smartEncode } from "../segments/smart-encoding.ts";
import {
  type AcceptedRow,
  findOrInsertLane,
  findStored,
  type LaneKey,
  type MessageOptions,
  type StoreVerdict,
  storeAccepted,
} from "./accept-store.ts";
import type { Message, Priority } from "./message.ts";

/** The most characters that Twilio takes in a body (21617). */
export const BODY_LENGTH_MAX = 1_600;
/** Ten hours: Twilio's longest and default validity. */
export const VALIDITY_SECONDS_MAX = 36_000;
const BATCH_MAX = 1_000;
const BULK_SLICE_MAX = 200;
/** Messages that may wait for their batch; beyond it callers are asked to come back. */
const WAITING_MAX = 20_000;
const RETRY_MS = 200;
const DEFAULT_PRIORITY: Priority = 2;

export type NewMessage = {
  readonly account: number;
  readonly sender: {
    readonly number: string;
    readonly segmentsPerSecond: number;
    readonly maxQueueSeconds: number;
    readonly connector: string;
  };
  readonly recipient: string;
  readonly body: string;
  readonly direction: "outbound-api" | "outbound-reply";
  readonly statusCallback?: string;
  /** 1 to 36,000 seconds. */
  readonly validityS?: number;
  readonly priority?: Priority;
  readonly smartEncoded?: boolean;
  readonly provideFeedback?: boolean;
  readonly isKeywordReply?: boolean;
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
  readonly clock: Clock;
  readonly newId: IdWriter;
  readonly writers: { readonly single: EventWriter; readonly bulk: EventWriter };
  readonly isSimulated: (connector: string) => boolean;
  /** Told after the commit: what may leave now. */
  readonly onStored: (rows: readonly AcceptedRow[]) => void;
};

export function createAccepter(app: AccepterNeeds): Accepter {
  const lanes = new Map<string, Promise<number>>();
  let isClosed = false;

  const laneOf = (shard: number, key: LaneKey): Promise<number> => {
    const name = `${key.account} ${key.pool} ${key.sender}`;
    const known = lanes.get(name);
    if (known !== undefined) return known;
    const found = findOrInsertLane(app.hot, shard, key);
    lanes.set(name, found);
    found.catch(() => lanes.delete(name));
    return found;
  };

  const decide = async (message: NewMessage): Promise<AcceptedRow> => {
    const body = message.smartEncoded === true ? smartEncode(message.body) : message.body;
    refuseUnsendable(body);
    const pool = message.sender.number;
    const shard = shardOfPool(message.account, pool);
    const key = { account: message.account, pool, sender: message.sender.number };
    const lane = await laneOf(shard, key);
    const id = app.newId(shard);
    const { encoding, segments } = segmentBody(body);
    const validityS = message.validityS ?? VALIDITY_SECONDS_MAX;
    return {
      ...key,
      ...{ id, lane, body, encoding, segments },
      laneCapacity: capacityOf(message.sender),
      direction: message.direction,
      recipient: message.recipient,
      priority: message.priority ?? DEFAULT_PRIORITY,
      validUntil: new Date(app.clock().getTime() + validityS * SECOND),
      statusCallback: message.statusCallback,
      isSimulated: app.isSimulated(message.sender.connector),
      options: optionsOf(message),
    };
  };

  const store = async (rows: readonly AcceptedRow[], writer: EventWriter) => {
    const sorted = rows.toSorted((a, b) => shardOf(a.id) - shardOf(b.id) || a.lane - b.lane);
    const verdicts = await storeUntilCertain(sorted, writer);
    const stored = rows.filter((row) => verdicts.get(row.id) === "stored");
    if (stored.length > 0) app.onStored(stored);
    return rows.map((row) => resultOf(row, verdicts.get(row.id)));
  };

  /** A lost answer is asked for again with the same ids: stored once, however often it is sent. */
  const storeUntilCertain = async (rows: readonly AcceptedRow[], writer: EventWriter) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const verdicts = await writer.commit(rows.length, (stamp) =>
          storeAccepted(app.hot, rows, stamp),
        );
        if (attempt > 1) {
          const ids = rows.map((row) => row.id);
          for (const id of await findStored(app.hot, ids)) verdicts.set(id, "stored");
        }
        return verdicts;
      } catch (error) {
        if (isPoison(error)) return storeApart(rows, writer, error);
        if (isClosed || !isDatabaseAway(error)) throw error;
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  };

  /** One value that PostgreSQL refuses must not fail its neighbours: halve until it stands alone. */
  const storeApart = async (
    rows: readonly AcceptedRow[],
    writer: EventWriter,
    error: unknown,
  ): Promise<Map<MessageId, StoreVerdict>> => {
    if (rows.length === 1 || isClosed) throw error;
    const half = rows.length >> 1;
    const settled = await Promise.allSettled([
      storeUntilCertain(rows.slice(0, half), writer),
      storeUntilCertain(rows.slice(half), writer),
    ]);
    return new Map(settled.flatMap((one) => (one.status === "fulfilled" ? [...one.value] : [])));
  };

  const batcher = createBatcher<AcceptedRow, Message | ApiError>({
    run: (rows) => store(rows, app.writers.single),
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
    acceptBulk: async (messages) => {
      const results: (Message | ApiError)[] = [];
      for (let start = 0; start < messages.length; start += BULK_SLICE_MAX) {
        const slice = messages.slice(start, start + BULK_SLICE_MAX);
        const decided = await Promise.all(
          slice.map((message) => decide(message).catch(asApiError)),
        );
        const rows = decided.filter((row) => !(row instanceof ApiError)) as AcceptedRow[];
        const stored = rows.length > 0 ? await store(rows, app.writers.bulk) : [];
        let next = 0;
        for (const row of decided) {
          const result = row instanceof ApiError ? row : stored[next++];
          if (result !== undefined) results.push(result);
        }
        await new Promise((done) => setImmediate(done));
      }
      return results;
    },
    close: async () => {
      await batcher.close();
      isClosed = true;
    },
  };
}

export function shardOfPool(account: number, pool: string): number {
  return crc32(`${account} ${pool}`) % SHARD_COUNT;
}

function capacityOf(sender: NewMessage["sender"]): number {
  return Math.max(255, Math.floor(sender.segmentsPerSecond * sender.maxQueueSeconds));
}

function optionsOf(message: NewMessage): MessageOptions | undefined {
  if (message.isKeywordReply === true) return { isKeywordReply: true };
  return message.provideFeedback === true ? { provideFeedback: true } : undefined;
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

function resultOf(row: AcceptedRow, verdict: StoreVerdict | undefined): Message | ApiError {
  switch (verdict) {
    case "stored":
      return asMessage(row);
    case "full":
      return new ApiError(
        429,
        21611,
        `The queue of the sender ${row.sender} is full. Send slower, or use a sender with more throughput.`,
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
    ...{ id: row.id, account: row.account, direction: row.direction, sender: row.sender },
    ...{ recipient: row.recipient, body: row.body, segments: row.segments, status: "queued" },
    ...{ errorCode: undefined, priceMicros: undefined, createdAt: at, sentAt: undefined },
    ...{ updatedAt: at, isSimulated: row.isSimulated },
  };
}

/** PostgreSQL's class 22: the data itself is refused. */
function isPoison(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("22");
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
