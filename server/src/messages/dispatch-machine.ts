import type { Verdict } from "../compliance/verdict.ts";
import type { Connector } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { Clock } from "../lib/clock.ts";
import type { DayLimits } from "../throughput/day-limits.ts";
import type { Limiters } from "../throughput/limiters.ts";
import { giveBack, writeClaimed } from "./after-claim.ts";
import { type Assigner, type AssignerNeeds, createAssigner } from "./assign.ts";
import { type Claimed, type Claimer, createClaimer } from "./claimer.ts";
import { createRecorder, type Recorder } from "./departure-recorder.ts";
import type { PriceOf } from "./departure-store.ts";
import { createDirectClaims, type DirectClaims } from "./direct-claims.ts";
import { holdClaim } from "./doubt-store.ts";
import { createDoubts, type Doubts } from "./doubts.ts";
import { refundUnsent } from "./flight.ts";
import { type Lane, reserve, waitUntil } from "./lane.ts";
import { createLaneBook, type LaneBook } from "./lane-book.ts";
import { createLaneReader, type LaneReader } from "./lane-reader.ts";
import { createLaneReporter, type LaneReporter } from "./lane-reporter.ts";
import type { LaneRoute } from "./lane-ways.ts";
import { readAgain } from "./lane-windows.ts";
import { createLater, type Later } from "./later.ts";
import type { PartWriter, PickConnector } from "./part-writer.ts";
import { createPump, type Pump } from "./pump.ts";
import type { LaneRow, QueuedRow } from "./queue-store.ts";
import { createRerouter, type Rerouter } from "./reroute.ts";
import { ownedShards } from "./sweep.ts";
import { createPartWriter } from "./write-parts.ts";

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

/** What the parts of a dispatcher share. */
export type Machine = {
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

export function buildMachine(app: DispatcherNeeds): Machine {
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
