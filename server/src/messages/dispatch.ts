import type { Verdict } from "../compliance/verdict.ts";
import type { Connector } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { type MessageId, shardOf } from "../lib/message-id.ts";
import type { DayLimits } from "../throughput/day-limits.ts";
import type { Limiters } from "../throughput/limiters.ts";
import type { AcceptedRow } from "./accept-store.ts";
import { giveBack, writeClaimed } from "./after-claim.ts";
import { type Assigner, type AssignerNeeds, createAssigner } from "./assign.ts";
import { carrierOptOutCodes, insertCarrierOptOuts } from "./carrier-opt-outs-store.ts";
import { type Claimed, type Claimer, createClaimer } from "./claimer.ts";
import { createDirectClaims, type DirectClaims } from "./direct-claims.ts";
import {
  type Departure,
  type LaneRow,
  type PriceOf,
  type QueuedRow,
  recordDepartures,
} from "./dispatch-store.ts";
import { holdClaim } from "./doubt-store.ts";
import { createDoubts, type Doubts } from "./doubts.ts";
import { refundUnsent } from "./flight.ts";
import { type Lane, reserve, waitUntil } from "./lane.ts";
import { createLaneBook, type LaneBook, type LaneRoute } from "./lane-book.ts";
import { createLaneHints } from "./lane-hints.ts";
import { createLaneReader, type LaneReader } from "./lane-reader.ts";
import { createLaneReporter, type LaneReporter } from "./lane-reporter.ts";
import { readAgain } from "./lane-windows.ts";
import { createLater, type Later } from "./later.ts";
import type { PartWriter, PickConnector } from "./part-writer.ts";
import { createPump, type Pump } from "./pump.ts";
import { createRerouter, type Rerouter } from "./reroute.ts";
import { ownedShards, sweep } from "./sweep.ts";
import { createPartWriter } from "./write-parts.ts";

const RECORD_BATCH_MAX = 1_000;
/** Nobody waits for a departure's record but its receipt and its callback. */
const RECORD_LINGER_MS = 10;
const SWEEP_MS = 1 * SECOND;
/** Sweeps: changes of routes and limits are told, and such as were not are found so much later. */
const WAYS_EVERY = 10;
const LEAVE_POLL_MS = 20;
/** After a claim that found nothing: while a shard is lost without our knowing, its lanes ask no more often. */
const READ_AGAIN_MS = 20;

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
  readonly judge: (claimed: Claimed, connector: string) => Verdict;
  /** How messages of services get their senders; without it they wait for another process. */
  readonly assigning?: Pick<AssignerNeeds, "writer" | "pools" | "judgeSender">;
  /** The lane's connector and limits; nothing when the account no longer holds it. */
  readonly routeOf: (lane: LaneRow) => LaneRoute | undefined;
  readonly limiters: Limiters;
  readonly dayLimits?: Pick<DayLimits, "use">;
  /** Which connector a message goes by where routes tell recipients apart. */
  readonly pick?: PickConnector;
  readonly connectorNamed?: (name: string) => Connector | undefined;
  readonly carrierKey: (carrierMessageId: string) => string;
  readonly priceOf: PriceOf;
  /** What the account wants of messages whose submissions have no certain answer. */
  readonly whenUnknownOf: (account: number) => "resend" | "hold";
  readonly onRecorded: () => void;
  readonly onError: (error: unknown) => void;
};

export type Dispatcher = {
  /** How messages that this process stores are claimed at once. */
  readonly direct: DirectClaims;
  /** Messages just stored by this process. Returns the shards that another process owns. */
  readonly offer: (rows: readonly AcceptedRow[]) => readonly number[];
  /** Another process stored messages in these shards. */
  readonly hint: (shards: readonly number[]) => void;
  /** Looks at all lanes of ours now, not at the next sweep: some were paused or go on. */
  readonly sweep: () => void;
  /** Shards that became ours; others may have sent for them until `lapsedAt` (monotonic ms). */
  readonly gain: (shards: readonly number[], lapsedAt: number) => void;
  /** Claims nothing more from these shards; resolves when nothing of theirs is under way. */
  readonly leave: (shards: readonly number[]) => Promise<void>;
  /** A connector has free slots again. */
  readonly wake: () => void;
  /** Routes or limits have changed. */
  readonly reconfigure: () => void;
  readonly close: () => Promise<void>;
};

/** What the parts of a dispatcher share. */
type Machine = {
  readonly book: LaneBook;
  readonly claimer: Claimer;
  readonly writer: PartWriter;
  readonly reader: LaneReader;
  readonly reporter: LaneReporter;
  readonly pump: Pump;
  readonly recorder: Recorder;
  readonly later: Later;
  readonly doubts: Doubts;
  readonly rerouter: Rerouter;
  readonly assigner: Assigner | undefined;
  readonly direct: DirectClaims;
  readonly end: () => void;
};

/** Sends what waits in the lanes of the shards that this process owns. */
export function createDispatcher(app: DispatcherNeeds): Dispatcher {
  const machine = buildMachine(app);
  const { book, claimer, writer, pump } = machine;
  let sweeping: Promise<unknown> = Promise.resolve();
  let sweeps = 0;
  const sweepSoon = () => {
    sweeps += 1;
    const looksAtWays = sweeps % WAYS_EVERY === 0;
    sweeping = sweeping.then(() => sweep(app, machine, { looksAtWays })).catch(app.onError);
  };
  const sweepTimer = setInterval(sweepSoon, SWEEP_MS);

  return {
    direct: machine.direct,
    offer: (rows) => offerStored(app, machine, rows),
    sweep: sweepSoon,
    hint: createLaneHints({
      ...{ ...app, book },
      onFound: (lane) => {
        machine.reader.fill(lane);
        book.touch(lane);
        pump.soon();
      },
    }),
    gain: (shards, lapsedAt) => {
      machine.doubts.gain(shards);
      writer.giveBackLost();
      book.gain(shards, lapsedAt);
      sweepSoon();
    },
    leave: async (shards) => {
      book.leave(shards);
      const left = new Set(shards);
      while (claimer.holdsAny(left)) await new Promise((done) => setTimeout(done, LEAVE_POLL_MS));
    },
    wake: () => {
      writer.writeStalled();
      pump.soon();
    },
    reconfigure: () => {
      book.reconfigure(true);
      writer.writeAll();
      pump.soon();
    },
    close: async () => {
      clearInterval(sweepTimer);
      pump.close();
      await Promise.all([sweeping, machine.assigner?.close()]);
      await claimer.close();
      await writer.close();
      await Promise.all([machine.rerouter.close(), machine.later.close()]);
      await machine.recorder.close();
      machine.end();
    },
  };
}

/** Returns the shards of those that another process is to send. */
function offerStored(
  app: Pick<DispatcherNeeds, "epochOf">,
  { book, pump }: Machine,
  rows: readonly AcceptedRow[],
): readonly number[] {
  const others = new Set<number>();
  for (const row of rows) {
    const shard = shardOf(row.id);
    if (app.epochOf(shard) === undefined) {
      others.add(shard);
      continue;
    }
    const { id, lane, priority, segments, validUntil, account, pool, sender } = row;
    const key = { shard, lane, account, pool, sender };
    // Written out: a spread of so many fields costs microseconds.
    book.offer({ shard, lane, priority, id, attempt: 1, segments, validUntil }, key);
  }
  pump.soon();
  return [...others];
}

function buildMachine(app: DispatcherNeeds): Machine {
  let isOver = false;
  const isClosed = () => isOver;
  const recorder = createRecorder(app, { isClosed, onRecorded: (id) => claimer.forget(id) });
  const book = createLaneBook({
    ...{ routeOf: app.routeOf, limiters: app.limiters, dayLimits: app.dayLimits },
    assign: (row) => assigner?.look(row),
    isTaken: (id) => claimer.isTaken(id),
  });
  const rerouter = createRerouter({ hot: app.hot, owner: app.owner, isClosed });
  const ways = waysOf(app);
  const writer = createPartWriter({
    ...{ clock: app.clock, carrierKey: app.carrierKey, rerouter, ...ways, onError: app.onError },
    epochOf: (lane) => (isOver ? undefined : app.epochOf(lane.shard)),
    depart: recorder.record,
    hold: (flight, because) => {
      untilStored(() => holdClaim(app.hot, flight.claim.id, because), isClosed).catch(app.onError);
    },
    lose: (flight) => claimer.forget(flight.claim.id),
    isPaused: (lane) => book.isPaused(lane),
    giveBack: (lane, flights) => {
      const claims = flights.map((flight) => flight.claim);
      giveBack(app, { lane, claims, forget: claimer.forget }, isClosed)
        .then(() => lookAt({ book, pump }, lane))
        .catch(app.onError);
    },
    postpone: (flight, attempt, notBefore) =>
      later.defer(flight, { notBefore, why: "passing error", attempt }),
    ...{ random: Math.random, onTaken: () => pump.soon() },
  });
  const onClaimed = (claimed: readonly { lane: Lane; claimed: Claimed }[]) => {
    writeClaimed({ ...app, ...ways }, { writer, recorder, later }, claimed);
    pump.soon();
  };
  const claimer = createClaimer({
    ...{ hot: app.hot, owner: app.owner, writer: app.writers.claims, isClosed, onClaimed },
    onDropped: (lane, claim, message) => {
      reserve(lane, -claim.segments);
      if (message !== undefined) app.onRecorded();
      else lookAnew({ book, pump }, lane);
    },
    onReturned: book.forgetWindows,
    onError: app.onError,
  });
  const reader = buildReader(app, { book, lookSoon: () => pump.soon() });
  const pump = createPump({ ...app, book, claimer, reader });
  const later = buildLater(app, { book, claimer, pump, isClosed });
  const assigner = buildAssigner(app, { book, pump });
  return {
    ...{ book, claimer, writer, reader, pump, recorder, later, rerouter, assigner },
    direct: createDirectClaims({ ...app, book, pump, reader, claimer, onClaimed, isClosed }),
    doubts: createDoubts({ ...app, claimer }),
    reporter: createLaneReporter({ ...app, book }),
    end: () => {
      isOver = true;
    },
  };
}

function buildReader(
  { hot, onError }: DispatcherNeeds,
  { book, lookSoon }: { book: LaneBook; lookSoon: () => void },
): LaneReader {
  const onRead = (lane: Lane) => {
    book.touch(lane);
    lookSoon();
  };
  return createLaneReader({ hot, onError, onRead });
}

/** Without routes a message goes by what its claim names. */
function waysOf({ pick, connectorNamed }: DispatcherNeeds) {
  return {
    pick: pick ?? (() => undefined),
    connectorNamed: connectorNamed ?? (() => undefined),
  };
}

function buildLater(
  app: DispatcherNeeds,
  parts: Pick<Machine, "book" | "claimer" | "pump"> & { isClosed: () => boolean },
): Later {
  return createLater({
    ...{ hot: app.hot, clock: app.clock, owner: app.owner, writer: app.writers.deferrals },
    ...{ isClosed: parts.isClosed, onError: app.onError },
    ownedShards: () => ownedShards(app).shards,
    onDeferred: (deferral) => {
      refundUnsent(deferral);
      parts.claimer.forget(deferral.claim.id);
    },
    onDue: (rows) => offerAll(parts, rows),
  });
}

function buildAssigner(
  app: DispatcherNeeds,
  parts: Pick<Machine, "book" | "pump">,
): Assigner | undefined {
  if (app.assigning === undefined) return undefined;
  return createAssigner({
    ...{ ...app, ...app.assigning, onAssigned: app.onRecorded },
    onQueued: (rows) => offerAll(parts, rows),
  });
}

function offerAll(
  { book, pump }: Pick<Machine, "book" | "pump">,
  rows: readonly (QueuedRow & LaneRow)[],
): void {
  for (const row of rows) book.offer(bare(row), row);
  pump.soon();
}

/** A claim that finds nothing was canceled, or fenced off: what stood behind it must not pass it. */
function lookAnew({ book, pump }: Pick<Machine, "book" | "pump">, lane: Lane): void {
  lane.generation += 1;
  readAgain(lane);
  waitUntil(lane, performance.now() + READ_AGAIN_MS);
  lookAt({ book, pump }, lane);
}

/** Something of it may leave now. */
function lookAt({ book, pump }: Pick<Machine, "book" | "pump">, lane: Lane): void {
  book.touch(lane);
  pump.soon();
}

/** Windows keep it: without what else the row holds. */
function bare({ shard, lane, priority, id, attempt, segments, validUntil }: QueuedRow): QueuedRow {
  return { shard, lane, priority, id, attempt, segments, validUntil };
}

/** Those that a carrier refused because it knows of an opt-out. */
function optedOut(departures: readonly Departure[]): MessageId[] {
  return departures
    .filter(
      ({ errorCode, submissions }) => submissions.length > 0 && carrierOptOutCodes.has(errorCode),
    )
    .map(({ claim }) => claim.id);
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
            recordDepartures(app.hot, departures, { stamp, priceOf: app.priceOf }),
          ),
        isClosed,
      );
      for (const departure of departures) {
        refundUnsent(departure);
        onRecorded(departure.claim.id);
      }
      const ids = optedOut(departures);
      await untilStored(() => insertCarrierOptOuts(app.hot, ids, app.clock()), isClosed);
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
