import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { SECOND } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import { createdAt, type MessageId } from "../lib/message-id.ts";
import { acceptBulk } from "./accept-bulk.ts";
import type { AcceptedRow, StoreVerdict } from "./accept-store.ts";
import { createDecider, type DeciderNeeds, type NewMessage } from "./decide-message.ts";
import type { DirectClaims } from "./direct-claims.ts";
import type { Message } from "./message.ts";
import { failOverflow } from "./overflow.ts";
import { storeUntilCertain } from "./store-until-certain.ts";

const BATCH_MAX = 1_000;
/** A bulk rests so long before each slice while single messages come in, and for a second after. */
const BULK_REST_MS = 8;
const SINGLES_MS = 1 * SECOND;
/** Messages that may wait for their batch; beyond it callers are asked to come back. */
const WAITING_MAX = 20_000;

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

export type AccepterNeeds = DeciderNeeds & {
  /** Connections of their own for bulks. */
  readonly bulk: Sql;
  readonly writers: { readonly single: EventWriter; readonly bulk: EventWriter };
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
