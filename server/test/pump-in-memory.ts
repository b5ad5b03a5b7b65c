import { vi } from "vitest";
import type { Connector } from "../src/connectors/connector.ts";
import type { MessageId } from "../src/lib/message-id.ts";
import type { Claim, ClaimedMessage } from "../src/messages/claim-store.ts";
import { createFlight, partsOf } from "../src/messages/flight.ts";
import type { Lane } from "../src/messages/lane.ts";
import { createLaneBook } from "../src/messages/lane-book.ts";
import type { LaneRoute } from "../src/messages/lane-ways.ts";
import { beginRead, endRead, unreadOf } from "../src/messages/lane-windows.ts";
import type { Priority } from "../src/messages/message.ts";
import { createPump } from "../src/messages/pump.ts";
import type { QueuedRow } from "../src/messages/queue-store.ts";
import { createPartWriter } from "../src/messages/write-parts.ts";
import type { Limit } from "../src/throughput/limiter.ts";
import { createLimiters } from "../src/throughput/limiters.ts";

/** A segment as the far end saw it. */
export type Seen = { readonly lane: number; readonly id: MessageId; readonly at: number };

export type TestLane = {
  readonly rate: number;
  readonly connector?: number;
  readonly limits?: readonly Limit[];
};

const CLAIM_MS = 5;
const ANSWER_MS = 8;
const never = new Date(8.64e15);
const leaving = { claimedAt: new Date(0), isWhole: false };

/**
 * The lanes of one owner from the queue to the carrier, in memory and on a moved clock: real book,
 * pump, limiters and writer; the database and the carriers are the far ends. Call it with fake timers.
 */
export function createPumpInMemory(app: {
  readonly lanes: readonly TestLane[];
  /** Submissions under way at once, by connector. */
  readonly windows: readonly number[];
  readonly limiters?: ReturnType<typeof createLimiters>;
}) {
  const seen: Seen[] = [];
  const rates = app.lanes.map(({ rate }) => rate);
  const taken = new Set<MessageId>();
  const queues = app.lanes.map(() => new Map<MessageId, QueuedRow>());
  const queueOf = ({ row }: Lane) => queues[row.lane] ?? new Map<MessageId, QueuedRow>();
  const counts = { looks: 0 };
  const connectors = app.windows.map((window, index) =>
    createFarEnd(`c${index}`, { window, seen, onAnswered: () => wake() }),
  );

  const book = createLaneBook({
    limiters: app.limiters ?? createLimiters(),
    isTaken: (id) => taken.has(id),
    assign: () => undefined,
    routeOf: ({ lane }): LaneRoute | undefined => {
      const { connector = 0, limits = [] } = app.lanes[lane] ?? { limits: [] };
      const end = connectors[connector];
      const segmentsPerSecond = rates[lane] ?? 1;
      return end === undefined ? undefined : { connector: end, segmentsPerSecond, limits };
    },
  });
  const epochOf = () => {
    counts.looks += 1;
    return 1n;
  };
  const writer = createPartWriter({
    clock: () => new Date(0),
    carrierKey: (id) => id,
    epochOf: () => 1n,
    depart: ({ claim }) => {
      taken.delete(claim.id);
      queues[claim.lane]?.delete(claim.id);
    },
    hold: () => undefined,
    lose: () => undefined,
    isPaused: () => false,
    giveBack: () => undefined,
    ...{ postpone: () => undefined, random: () => 0, pick: () => undefined },
    connectorNamed: (name) => connectors.find((end) => end.name === name),
    rerouter: { record: () => Promise.resolve(true) },
    onError: (error) => {
      throw error;
    },
    onTaken: () => pump.soon(),
  });
  let batch: { lane: Lane; claim: Claim }[] = [];
  const writeBatch = () => {
    const claims = batch;
    batch = [];
    for (const { lane, claim } of claims) {
      writer.add(lane, partsOf(createFlight({ claim, message: messageOf(claim) }, leaving)));
    }
    for (const lane of new Set(claims.map((one) => one.lane))) writer.write(lane);
    pump.soon();
  };
  const pump = createPump({
    ...{ book, epochOf },
    claimer: {
      take: (lane, queued, by) => {
        taken.add(queued.id);
        batch.push({ lane, claim: { ...queued, ...by } });
        if (batch.length === 1) setTimeout(writeBatch, CLAIM_MS);
        return true;
      },
    },
    reader: { fill: (lane) => read(lane, queueOf(lane)) },
  });
  const wake = () => {
    writer.writeStalled();
    pump.soon();
  };
  book.setPaused([0], []);
  let lastId = 0n;

  return {
    ...{ seen, counts, taken },
    offer: (lane: number, count = 1, priority: Priority = 2) => {
      const ids: MessageId[] = [];
      const known = book.laneFor(keyOf(lane));
      if (known !== undefined) read(known, queueOf(known));
      for (let index = 0; index < count; index += 1) {
        lastId += 1n;
        ids.push(lastId);
        const row = rowOf(lane, lastId, priority);
        queues[lane]?.set(lastId, row);
        book.offer(row, keyOf(lane));
      }
      pump.soon();
      return ids;
    },
    setRate: (lane: number, rate: number) => {
      rates[lane] = rate;
      book.reconfigure(true);
      pump.soon();
    },
    /** Takes over from an owner that may have sent until this moment. */
    gain: () => {
      book.gain([0], performance.now());
      book.setPaused([0], []);
    },
    pass: async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
    },
    stopperOf: (lane: number) => book.laneFor(keyOf(lane))?.stoppedBy,
    reservedOf: (lane: number) => book.laneFor(keyOf(lane))?.reserved,
    close: async () => {
      pump.close();
      const closing = writer.close();
      await vi.advanceTimersByTimeAsync(10_000);
      await closing;
    },
  };
}

function createFarEnd(
  name: string,
  { window, seen, onAnswered }: { window: number; seen: Seen[]; onAnswered: () => void },
): Connector {
  let open = 0;
  return {
    ...{ name, carrierAccount: name, isSimulated: false, optOutsUpstream: false },
    freeSlots: () => window - open,
    submit: ({ sender, id }) => {
      open += 1;
      seen.push({ lane: Number(sender), id, at: performance.now() });
      return new Promise((answer) => {
        setTimeout(() => {
          open -= 1;
          answer({ kind: "accepted", carrierMessageId: `${id}` });
          onAnswered();
        }, ANSWER_MS);
      });
    },
    state: () => ({ phase: "bound", window, inFlight: open }),
    close: () => Promise.resolve(),
  };
}

const keyOf = (lane: number) => ({
  ...{ shard: 0, lane, account: 1, pool: `${lane}`, sender: `${lane}` },
});

function rowOf(lane: number, id: MessageId, priority: Priority): QueuedRow {
  return { shard: 0, lane, priority, id, attempt: 1, segments: 1, validUntil: never };
}

function messageOf({ id, lane }: Claim): ClaimedMessage {
  return {
    ...{ id, errorCode: null, account: 1, sender: `${lane}`, recipient: "+12025550123" },
    ...{ body: "Hello", statusCallback: null, isSimulated: false, whenUnknown: "resend" },
    options: null,
  };
}

/** The windows that lack messages, at once. */
function read(lane: Lane, queue: ReadonlyMap<MessageId, QueuedRow>): void {
  const most = lane.needs.windowMax();
  for (const priority of unreadOf(lane)) {
    beginRead(lane, priority);
    const rows = [...queue.values()].filter((row) => row.priority === priority);
    endRead(lane, priority, { rows: rows.slice(0, most), isAll: rows.length <= most });
  }
}
