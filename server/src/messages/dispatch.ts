import type { Verdict } from "../compliance/verdict.ts";
import type { Connector } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { createdAt, shardOf } from "../lib/message-id.ts";
import type { AcceptedRow } from "./accept-store.ts";
import { type Claimed, type Claimer, createClaimer } from "./claimer.ts";
import {
  type Claim,
  type Departure,
  holdClaim,
  type LaneRow,
  recordDepartures,
  returnClaims,
} from "./dispatch-store.ts";
import { createFlight, type Flight, partsOf, toDeparture } from "./flight.ts";
import type { Lane } from "./lane.ts";
import { createLaneBook, type LaneBook } from "./lane-book.ts";
import { createLaneHints } from "./lane-hints.ts";
import { createLaneReader, type LaneReader } from "./lane-reader.ts";
import { createLater, type Later } from "./later.ts";
import { createPump, type Pump } from "./pump.ts";
import { ownedShards, sweep } from "./sweep.ts";
import { createPartWriter, type PartWriter } from "./write-parts.ts";

const RECORD_BATCH_MAX = 1_000;
/** Nobody waits for a departure's record but its receipt and its callback. */
const RECORD_LINGER_MS = 10;
const SWEEP_MS = 1 * SECOND;
const LEAVE_POLL_MS = 20;

export type DispatcherNeeds = {
  readonly hot: Sql;
  readonly clock: Clock;
  readonly owner: string;
  readonly epochOf: (shard: number) => bigint | undefined;
  readonly writers: {
    readonly claims: EventWriter;
    readonly departures: EventWriter;
    readonly deferrals: EventWriter;
  };
  /** Asked for each claimed message before its bytes leave: in memory, at once. */
  readonly judge: (claimed: Claimed) => Verdict;
  /** The sender's throughput and connector; nothing when the account no longer holds it. */
  readonly routeOf: (lane: LaneRow) => LaneRoute | undefined;
  readonly carrierKey: (carrierMessageId: string) => string;
  readonly onRecorded: () => void;
  readonly onError: (error: unknown) => void;
};

export type LaneRoute = { readonly segmentsPerSecond: number; readonly connector: Connector };

export type Dispatcher = {
  /** Messages just stored by this process. Returns the shards that another process owns. */
  readonly offer: (rows: readonly AcceptedRow[]) => readonly number[];
  /** Another process stored messages in these shards. */
  readonly hint: (shards: readonly number[]) => void;
  /** Looks at all lanes of ours now, not at the next sweep: some were paused or go on. */
  readonly sweep: () => void;
  /** Shards that became ours; their limiters start at `notBefore` (monotonic ms). */
  readonly gain: (shards: readonly number[], notBefore: number) => void;
  /** Claims nothing more from these shards; resolves when nothing of theirs is under way. */
  readonly leave: (shards: readonly number[]) => Promise<void>;
  /** A connector has free slots again, or what limits lanes has changed. */
  readonly wake: () => void;
  readonly close: () => Promise<void>;
};

/** What the parts of a dispatcher share. */
type Machine = {
  readonly book: LaneBook;
  readonly claimer: Claimer;
  readonly writer: PartWriter;
  readonly reader: LaneReader;
  readonly pump: Pump;
  readonly recorder: Recorder;
  readonly later: Later;
  readonly end: () => void;
};

/** Sends what waits in the lanes of the shards that this process owns. */
export function createDispatcher(app: DispatcherNeeds): Dispatcher {
  const machine = buildMachine(app);
  const { book, claimer, writer, pump } = machine;
  let sweeping: Promise<unknown> = Promise.resolve();
  const sweepSoon = () => {
    sweeping = sweeping.then(() => sweep(app, machine)).catch(app.onError);
  };
  const sweepTimer = setInterval(sweepSoon, SWEEP_MS);

  return {
    offer: (rows) => {
      const others = new Set<number>();
      for (const row of rows) {
        const shard = shardOf(row.id);
        if (app.epochOf(shard) === undefined) {
          others.add(shard);
          continue;
        }
        book.offer({ ...row, shard, attempt: 1 });
      }
      pump.soon();
      return [...others];
    },
    sweep: sweepSoon,
    hint: createLaneHints({ ...app, book, onFound: pump.soon }),
    gain: (shards, notBefore) => {
      book.gain(shards, notBefore);
      sweepSoon();
    },
    leave: async (shards) => {
      book.leave(shards);
      const left = new Set(shards);
      while (claimer.holdsAny(left)) await new Promise((done) => setTimeout(done, LEAVE_POLL_MS));
    },
    wake: () => {
      writer.writeAll();
      pump.soon();
    },
    close: async () => {
      clearInterval(sweepTimer);
      pump.close();
      await sweeping;
      await claimer.close();
      await writer.close();
      await machine.later.close();
      await machine.recorder.close();
      machine.end();
    },
  };
}

function buildMachine(app: DispatcherNeeds): Machine {
  let isOver = false;
  const isClosed = () => isOver;
  const recorder = createRecorder(app, { isClosed, onRecorded: (id) => claimer.forget(id) });
  const book = createLaneBook({
    rateOf: (row) => app.routeOf(row)?.segmentsPerSecond,
    isTaken: (id) => claimer.isTaken(id),
  });
  const writer = createPartWriter({
    ...{ clock: app.clock, carrierKey: app.carrierKey },
    connectorOf: (lane) => app.routeOf(lane.row)?.connector,
    epochOf: (lane) => (isOver ? undefined : app.epochOf(lane.row.shard)),
    depart: recorder.record,
    hold: (flight, because) => {
      untilStored(() => holdClaim(app.hot, flight.claim.id, because), isClosed).catch(app.onError);
    },
    lose: (flight) => claimer.forget(flight.claim.id),
    isPaused: (lane) => book.isPaused(lane),
    giveBack: (lane, flights) => {
      const claims = flights.map((flight) => flight.claim);
      const back = giveBack(app, { lane, claims, claimer: () => claimer }, isClosed);
      back.catch(app.onError);
    },
    onTaken: () => pump.soon(),
  });
  const claimer = createClaimer({
    ...{ hot: app.hot, owner: app.owner, writer: app.writers.claims, isClosed },
    onClaimed: (claimed) => {
      writeClaimed(app, { writer, recorder, later }, claimed);
      pump.soon();
    },
    onDropped: (lane, claim, message) => {
      writer.reserve(lane, -claim.segments);
      if (message !== undefined) app.onRecorded();
    },
    onReturned: book.forgetWindows,
    onError: app.onError,
  });
  const reader = createLaneReader({
    ...{ hot: app.hot, onError: app.onError, onRead: () => pump.soon() },
  });
  const pump = createPump({ ...app, book, claimer, writer, reader });
  const later = createLater({
    ...{ hot: app.hot, clock: app.clock, owner: app.owner, writer: app.writers.deferrals },
    ...{ ownedShards: () => ownedShards(app).shards, isClosed, onError: app.onError },
    onDeferred: (id) => claimer.forget(id),
    onDue: (rows) => {
      for (const row of rows) book.offer(row);
      pump.soon();
    },
  });
  return {
    ...{ book, claimer, writer, reader, pump, recorder, later },
    end: () => {
      isOver = true;
    },
  };
}

/** Claims whose bytes certainly never left, to their places in the queue. */
async function giveBack(
  { hot, owner }: DispatcherNeeds,
  { lane, claims, claimer }: { lane: Lane; claims: readonly Claim[]; claimer: () => Claimer },
  isClosed: () => boolean,
): Promise<void> {
  if (claims.length === 0) return;
  const ids = claims.map(({ id }) => id);
  await untilStored(() => returnClaims(hot, ids, owner), isClosed);
  for (const id of ids) claimer().forget(id);
  lane.putBack(claims);
}

/** Writes what may leave; the rest fails, or waits in `later`. */
function writeClaimed(
  app: DispatcherNeeds,
  { writer, recorder, later }: Pick<Machine, "writer" | "recorder" | "later">,
  claimed: readonly { lane: Lane; claimed: Claimed }[],
): void {
  const claimedAt = app.clock();
  for (const { lane, claimed: one } of claimed) {
    const flight = createFlight(one.claim, one.message, claimedAt);
    const verdict = app.judge(one);
    if (verdict.kind === "allowed") {
      writer.add(lane, partsOf(flight));
      continue;
    }
    writer.reserve(lane, -one.claim.segments);
    if (verdict.kind === "later") later.defer(flight, verdict);
    else recorder.record(toDeparture(flight, failedBecause(flight, verdict.errorCode, claimedAt)));
  }
  for (const lane of new Set(claimed.map((one) => one.lane))) writer.write(lane);
}

function failedBecause({ claim }: Flight, errorCode: number, at: Date) {
  return { status: "failed", errorCode, at, createdAt: createdAt(claim.id) } as const;
}

type Recorder = {
  readonly record: (departure: Departure) => void;
  readonly close: () => Promise<void>;
};

/** Records departures in batches until they are stored: a fact is never given up. */
function createRecorder(
  app: DispatcherNeeds,
  { isClosed, onRecorded }: { isClosed: () => boolean; onRecorded: (id: bigint) => void },
): Recorder {
  const batcher = createBatcher<Departure, undefined>({
    batchMax: RECORD_BATCH_MAX,
    lingerMs: RECORD_LINGER_MS,
    run: async (departures) => {
      await untilStored(
        () =>
          app.writers.departures.commit(departures.length, (stamp) =>
            recordDepartures(app.hot, departures, stamp),
          ),
        isClosed,
      );
      for (const { claim } of departures) onRecorded(claim.id);
      app.onRecorded();
      return departures.map(() => undefined);
    },
  });
  return {
    record: (departure) => {
      batcher.add(departure).catch(app.onError);
    },
    close: batcher.close,
  };
}
