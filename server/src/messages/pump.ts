import { createDueHeap } from "../lib/due-heap.ts";
import type { DayMeter } from "../throughput/day-limits.ts";
import { earliest, type Limiter } from "../throughput/limiter.ts";
import { freeSlots, type LaneQueue, nextOf, standIn } from "./channel.ts";
import type { Claimer } from "./claimer.ts";
import { isPatientAt, type Lane, reserve } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneReader } from "./lane-reader.ts";
import { putBack, takeNext } from "./lane-windows.ts";

/** A claim is made at most this long before its bytes may leave. */
const CLAIM_AHEAD_MS = 50;
/** Claims are ahead of their bytes, so that they can wait for company. */
const RUN_MS = 10;
/** How soon to ask again for a part of a shared limit when there is none. */
const NO_PART_MS = 100;

export type PumpNeeds = {
  readonly book: LaneBook;
  readonly claimer: Pick<Claimer, "take">;
  readonly reader: Pick<LaneReader, "fill">;
  readonly epochOf: (shard: number) => bigint | undefined;
};

export type Pump = {
  /** Looks at what was touched and what has free slots at the end of this turn of the event loop. */
  readonly soon: () => void;
  /**
   * Whether a message that is being stored may be claimed with it: nothing waits in its lane, nor for
   * what it passes, and its limiters and its connector's window would take it now.
   */
  readonly mayPass: (lane: Lane, segments: number) => boolean;
  readonly close: () => void;
};

/** What lanes wait for that comes by itself: a limiter's next segment, the end of a lane's patience. */
type Gate = LaneQueue & {
  readonly waitsFor: Limiter | DayMeter | "patience";
  /** When it opens, in whole milliseconds; nothing: nobody waits. */
  at: number | undefined;
};

type Machine = PumpNeeds & {
  readonly gates: WeakMap<object, Gate>;
  readonly due: ReturnType<typeof createDueHeap<Gate>>;
};

/**
 * Claims from each lane what its limiters and its connector's window would take now. A lane with
 * work stands in one row at a time: for the first limiter that holds it up, else for a free slot.
 * So a turn costs what moves in it, however many lanes wait, and those that wait for the same thing
 * have it in turns.
 */
export function createPump(app: PumpNeeds): Pump {
  const machine: Machine = { ...app, gates: new WeakMap(), due: createDueHeap() };
  let isWaiting = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const run = () => {
    isWaiting = false;
    if (isClosed) return;
    const now = performance.now();
    lookAt(machine, app.book.touched(), now);
    openGates(machine, now);
    fillSlots(machine, now);
    runAt(machine.due.soonest(), now);
  };

  const runAt = (at: number, now: number) => {
    const next = Math.max(at, now + RUN_MS);
    if (at === Number.POSITIVE_INFINITY || (timerAt > now && timerAt <= next)) return;
    clearTimeout(timer);
    timerAt = next;
    timer = setTimeout(() => {
      timerAt = Number.POSITIVE_INFINITY;
      run();
    }, next - now);
  };

  return {
    soon: () => {
      if (isWaiting) return;
      isWaiting = true;
      setImmediate(run);
    },
    mayPass: (lane, segments) => !isClosed && mayPass(machine, lane, segments),
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** A day's limit is counted by the claim of a second statement, so what passes one takes that. */
function mayPass({ book, gates }: Machine, lane: Lane, segments: number): boolean {
  if (!book.findWay(lane) || !book.mayClaim(lane)) return false;
  if (lane.lacking !== 0 || lane.size > 0 || lane.claiming > 0) return false;
  const { channel, days, passage } = lane.way;
  if (days.length > 0 || channel.waiting.first !== undefined) return false;
  if (freeSlots(channel) < segments) return false;
  const now = performance.now();
  const isFree = (limiter: Limiter) =>
    gates.get(limiter)?.first === undefined && limiterOpensAt(limiter) <= now;
  return !isPatientAt(lane, now) && isFree(lane.limiter) && passage.every(isFree);
}

/** One message of each in turn, as long as they go on. */
function lookAt(machine: Machine, touched: readonly Lane[], now: number): void {
  for (let lanes = touched; lanes.length > 0; ) {
    lanes = lanes.filter((lane) => lane.waitsIn === undefined && claimOne(machine, lane, now));
  }
}

function openGates(machine: Machine, now: number): void {
  while (machine.due.soonest() <= now) {
    const gate = machine.due.pop();
    if (gate?.at === undefined || gate.at > now) continue;
    gate.at = undefined;
    while (gate.first !== undefined) {
      const at = opensAt(gate, gate.first);
      if (at > now) {
        closeGate(machine, gate, { until: at, now });
        break;
      }
      const lane = nextOf(gate);
      if (lane !== undefined && claimOne(machine, lane, now, gate)) standIn(gate, lane);
    }
  }
}

function fillSlots(machine: Machine, now: number): void {
  for (const channel of machine.book.channels()) {
    const { waiting } = channel;
    while (waiting.first !== undefined && freeSlots(channel) > 0) {
      const lane = nextOf(waiting);
      if (lane !== undefined && claimOne(machine, lane, now, waiting)) standIn(waiting, lane);
    }
  }
}

/** Whether one was claimed; else the lane stands where it waits, or has nothing to wait for. */
function claimOne(machine: Machine, lane: Lane, now: number, from?: LaneQueue): boolean {
  const { book, reader, claimer } = machine;
  const epoch = machine.epochOf(lane.shard);
  lane.heldBy = lane.stoppedBy ?? lane.heldBy;
  lane.stoppedBy = undefined;
  if (epoch === undefined || !book.findWay(lane) || !book.mayClaim(lane)) return rest(book, lane);
  if (lane.lacking !== 0) reader.fill(lane);
  if (lane.size === 0) return rest(book, lane);
  if (isHeldUp(machine, lane, now, from)) return false;
  const { channel, days } = lane.way;
  const isInTurn = from === channel.waiting || channel.waiting.first === undefined;
  if (!isInTurn || freeSlots(channel) <= 0) {
    standIn(channel.waiting, lane);
    return false;
  }
  for (let queued = takeNext(lane); queued !== undefined; queued = takeNext(lane)) {
    const day = days.length === 0 ? undefined : days.find((one) => !one.hasRoom(queued.segments));
    if (day !== undefined) {
      putBack(lane, [queued]);
      standAtDay(machine, lane, day, now);
      return false;
    }
    const charges = days.length === 0 ? undefined : days.map((one) => one.charge(queued.segments));
    const by = { connector: channel.connector.name, epoch, charges };
    if (claimer.take(lane, queued, by)) {
      reserve(lane, queued.segments);
      return true;
    }
    for (const charge of charges ?? []) charge.settle("not counted");
  }
  return rest(book, lane);
}

function rest(book: LaneBook, lane: Lane): false {
  book.rest(lane);
  return false;
}

/** Stands in the row of the first limiter, from the smallest scope up, that lets nothing leave. */
function isHeldUp(machine: Machine, lane: Lane, now: number, from?: LaneQueue): boolean {
  if (isPatientAt(lane, now + CLAIM_AHEAD_MS)) {
    standAt(machine, gateOf(machine, lane, "patience"), lane, now);
    return true;
  }
  if (isHeldBy(machine, lane.limiter, lane, { now, from })) return true;
  for (const limiter of lane.way.passage) {
    if (isHeldBy(machine, limiter, lane, { now, from })) return true;
  }
  for (const day of lane.way.days) {
    if (from?.waitsFor === day) continue;
    if (machine.gates.get(day)?.first === undefined && day.hasRoom(1)) continue;
    standAtDay(machine, lane, day, now);
    return true;
  }
  return false;
}

function isHeldBy(
  machine: Machine,
  limiter: Limiter,
  lane: Lane,
  { now, from }: { readonly now: number; readonly from: LaneQueue | undefined },
): boolean {
  // The row that it comes from is open: that was just seen.
  if (from?.waitsFor === limiter) return false;
  const gate = machine.gates.get(limiter);
  if (gate?.first === undefined && limiterOpensAt(limiter) <= now) return false;
  standAt(machine, gate ?? gateOf(machine, limiter, limiter), lane, now);
  return true;
}

/** It asks whether the day has room once more when the gate opens. */
function standAtDay(machine: Machine, lane: Lane, day: DayMeter, now: number): void {
  standAt(machine, gateOf(machine, day, day), lane, now);
}

/** `patience` is each lane's own: it is the only one at its gate. */
function opensAt({ waitsFor }: Gate, lane: Lane): number {
  if (waitsFor === "patience") return (lane.notBefore ?? 0) - CLAIM_AHEAD_MS;
  return "opensAt" in waitsFor ? waitsFor.opensAt() : limiterOpensAt(waitsFor);
}

function limiterOpensAt(limiter: Limiter): number {
  return earliest(limiter, limiter.reserved) - CLAIM_AHEAD_MS;
}

function gateOf(machine: Machine, key: object, waitsFor: Gate["waitsFor"]): Gate {
  const known = machine.gates.get(key);
  if (known !== undefined) return known;
  const gate = { waitsFor, first: undefined, last: undefined, at: undefined };
  machine.gates.set(key, gate);
  return gate;
}

function standAt(machine: Machine, gate: Gate, lane: Lane, now: number): void {
  standIn(gate, lane);
  closeGate(machine, gate, { until: opensAt(gate, lane), now });
}

function closeGate(machine: Machine, gate: Gate, { until, now }: { until: number; now: number }) {
  const at = Math.ceil(until === Number.POSITIVE_INFINITY ? now + NO_PART_MS : until);
  if (gate.at !== undefined && at >= gate.at) return;
  gate.at = at;
  machine.due.push(at, gate);
}
