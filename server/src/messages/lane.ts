import type { Ringing } from "../lib/alarm.ts";
import type { MessageId } from "../lib/message-id.ts";
import type { DayMeter } from "../throughput/day-limits.ts";
import type { NamedLimiter } from "../throughput/limiters.ts";
import { type Passage, reserveAt } from "../throughput/passage.ts";
import type { Channel, LaneQueue } from "./channel.ts";
import type { LaneRow, QueuedRow } from "./dispatch-store.ts";
import type { Priority } from "./message.ts";

const priorities = [0, 1, 2, 3] as const satisfies readonly Priority[];
/** Of twenty departures one belongs to each lower priority that waits: no priority starves. */
const TURNS = 20;
const reservedTurns: Readonly<Record<number, Priority>> = { 6: 1, 12: 2, 18: 3 };
const ALL = 0b1111;
/** The lowest bit of each set of priorities. */
const firstOf = Array.from({ length: ALL + 1 }, (_, set) =>
  priorities.find((priority) => (set & (1 << priority)) !== 0),
);

/** Where a lane leaves by, and what it passes on the way. */
export type Way = {
  readonly passage: Passage;
  readonly channel: Channel;
  /** The limits of a day that count what leaves by it. */
  readonly days: readonly DayMeter[];
};

/** A lane's place in memory: the heads of its four queues and what is claimed but not written. */
export type Lane = Ringing & {
  readonly row: LaneRow;
  /** The last one known: what is claimed leaves by it. */
  way: Way;
  /** Whether its account still holds the sender, and its connector runs. */
  hasRoute: boolean;
  /** Which configuration says so. */
  version: number;
  /** Claimed segments that have not left. */
  reserved: number;
  /** Messages taken from its windows whose claims have no answer yet. */
  claiming: number;
  /** Nothing is written before this instant: the carrier asked for patience (monotonic ms). */
  notBefore: number;
  /** The last such instant that a carrier asked for by throttling. */
  throttledUntil: number;
  /** Segments handed to the connector since this process has the lane. */
  written: number;
  /** How often in a row its carrier's queue was full. */
  fullTimes: number;
  /** How often its windows were given up. */
  generation: number;
  /** The book has it among those that may have work, and among those that something may have left from. */
  isBusy: boolean;
  isStirred: boolean;
  /** What it waits for in a row with others. */
  waitsIn: LaneQueue | undefined;
  /** Who stands there before it, and behind. */
  before: Lane | undefined;
  behind: Lane | undefined;
  /** What ended the last claiming from it, when messages were left. */
  stoppedBy: NamedLimiter | DayMeter | "patience" | "window" | undefined;
  /** What did before that, since its owner last told of it: a lane may be looked at as it goes on. */
  heldBy: Lane["stoppedBy"];
  readonly size: () => number;
  /** Messages that a window of it holds at most, now. */
  readonly windowMax: () => number;
  readonly offer: (row: QueuedRow) => void;
  /** Puts messages that were taken before their places, at the head. */
  readonly putBack: (rows: readonly QueuedRow[]) => void;
  /** Takes the next message by priority and order. */
  readonly next: () => QueuedRow | undefined;
  /** Takes the messages at the heads whose validity has ended. */
  readonly takeExpired: (now: Date) => QueuedRow[];
  /** When the first validity in its windows ends (milliseconds of the wall clock); infinite: they are empty. */
  readonly soonestEnd: () => number;
  /** Priorities whose window may lack messages that the queue holds. */
  readonly unread: () => Priority[];
  readonly hasUnread: () => boolean;
  readonly beginRead: (priority: Priority) => void;
  readonly endRead: (priority: Priority, rows: readonly QueuedRow[], isAll: boolean) => void;
  readonly forget: () => void;
  /** Its windows are not what the queue holds: nothing leaves until they were read anew. */
  readonly readAgain: () => void;
};

export type LaneNeeds = {
  readonly isTaken: (id: MessageId) => boolean;
  readonly windowMax: () => number;
  /** Told of the validity of what comes into its windows. */
  readonly onEnd: (validUntil: Date) => void;
};

type Window = { rows: QueuedRow[]; isWhole: boolean; isStale: boolean };

/** A lane's windows, and of which priorities they have messages, or lack some: as bits. */
type Heads = {
  readonly windows: readonly Window[];
  readonly windowMax: () => number;
  size: number;
  filled: number;
  lacking: number;
  /** Whose departure is next, of twenty. */
  turn: number;
};

function windowOf({ windows }: Heads, priority: Priority): Window {
  return windows[priority] as Window;
}

/** After a change of a window. */
function note(heads: Heads, priority: Priority, grown: number): void {
  const { rows, isWhole } = windowOf(heads, priority);
  const bit = 1 << priority;
  const isLacking = !isWhole && rows.length < heads.windowMax() / 2;
  heads.size += grown;
  heads.filled = rows.length > 0 ? heads.filled | bit : heads.filled & ~bit;
  heads.lacking = isLacking ? heads.lacking | bit : heads.lacking & ~bit;
}

function change<Result>(heads: Heads, priority: Priority, run: (window: Window) => Result): Result {
  const window = windowOf(heads, priority);
  const before = window.rows.length;
  const result = run(window);
  note(heads, priority, window.rows.length - before);
  return result;
}

function doubt(heads: Heads, isEmptied: boolean): void {
  for (const priority of priorities)
    change(heads, priority, (window) => unsettle(window, isEmptied));
}

export function createLane(row: LaneRow, way: Way, { isTaken, windowMax, onEnd }: LaneNeeds): Lane {
  const windows: Window[] = priorities.map(() => ({ rows: [], isWhole: false, isStale: false }));
  const heads: Heads = { windows, windowMax, size: 0, filled: 0, lacking: ALL, turn: 0 };
  // Written out: spreads would put its fields elsewhere in memory, and of thousands of lanes none is in a cache.
  return {
    row,
    way,
    hasRoute: true,
    version: 0,
    reserved: 0,
    claiming: 0,
    notBefore: Number.NEGATIVE_INFINITY,
    ringsAt: Number.POSITIVE_INFINITY,
    throttledUntil: Number.NEGATIVE_INFINITY,
    written: 0,
    fullTimes: 0,
    generation: 0,
    isBusy: false,
    isStirred: false,
    waitsIn: undefined,
    before: undefined,
    behind: undefined,
    stoppedBy: undefined,
    heldBy: undefined,
    size: () => heads.size,
    windowMax,
    offer: (queued) => {
      onEnd(queued.validUntil);
      change(heads, queued.priority, (window) => putIn(window, queued, windowMax()));
    },
    putBack: (rows) => {
      for (const queued of rows.toReversed()) {
        onEnd(queued.validUntil);
        change(heads, queued.priority, (window) => window.rows.unshift(queued));
      }
    },
    next: () => takeNext(heads),
    takeExpired: (now) => takeExpired(heads, now),
    soonestEnd: () => windows.reduce(soonerEnd, Number.POSITIVE_INFINITY),
    unread: () => priorities.filter((priority) => (heads.lacking & (1 << priority)) !== 0),
    hasUnread: () => heads.lacking !== 0,
    beginRead: (priority) => {
      windowOf(heads, priority).isStale = false;
    },
    endRead: (priority, rows, isAll) =>
      change(heads, priority, (window) => {
        window.rows = rows.filter((queued) => !isTaken(queued.id));
        window.isWhole = isAll && !window.isStale;
        for (const { validUntil } of window.rows) onEnd(validUntil);
      }),
    forget: () => doubt(heads, false),
    readAgain: () => doubt(heads, true),
  };
}

function takeNext(heads: Heads): QueuedRow | undefined {
  const priority = nextPriority(heads.filled, heads.turn);
  if (priority === undefined) return undefined;
  heads.turn = (heads.turn + 1) % TURNS;
  const taken = windowOf(heads, priority).rows.shift();
  note(heads, priority, -1);
  return taken;
}

function takeExpired(heads: Heads, now: Date): QueuedRow[] {
  const ended = priorities.filter((one) => isHeadExpired(windowOf(heads, one), now));
  return ended.flatMap((one) => change(heads, one, (window) => cutExpired(window, now)));
}

/** The first with messages, or a lower one whose reserved turn it is. */
function nextPriority(filled: number, turn: number): Priority | undefined {
  const reserved = reservedTurns[turn];
  if (reserved !== undefined && (filled & (1 << reserved)) !== 0) return reserved;
  return filled === 0 ? undefined : firstOf[filled];
}

/** It may lack messages; emptied, also what stands in it is in doubt. */
function unsettle(window: Window, isEmptied: boolean): void {
  window.isWhole = false;
  if (!isEmptied) return;
  window.rows = [];
  window.isStale = true;
}

function isHeadExpired({ rows: [head] }: Window, now: Date): boolean {
  return head !== undefined && head.validUntil <= now;
}

function soonerEnd(sooner: number, { rows }: Window): number {
  let soonest = sooner;
  for (const { validUntil } of rows) soonest = Math.min(soonest, validUntil.getTime());
  return soonest;
}

function cutExpired({ rows }: Window, now: Date): QueuedRow[] {
  const living = rows.findIndex((queued) => queued.validUntil > now);
  return rows.splice(0, living === -1 ? rows.length : living);
}

/** Counts segments that are claimed and have not left, wherever the lane's count. */
export function reserve(lane: Lane, segments: number): void {
  lane.reserved += segments;
  reserveAt(lane.way.passage, segments);
  lane.way.channel.reserved += segments;
}

/** Gives a lane another way: what it has claimed counts there now. */
export function redirect(lane: Lane, way: Way): void {
  const { reserved } = lane;
  reserve(lane, -reserved);
  lane.way = way;
  reserve(lane, reserved);
}

/** One that is new stands at the end, where the window may end before; one that comes back, at its place. */
function putIn(window: Window, queued: QueuedRow, max: number): void {
  const { rows } = window;
  window.isStale = true;
  const last = rows.at(-1);
  const isInside = last !== undefined && queued.id <= last.id;
  if (!isInside && !window.isWhole) return;
  const place = isInside ? rows.findIndex((other) => other.id >= queued.id) : rows.length;
  if (rows[place]?.id === queued.id) return;
  rows.splice(place, 0, queued);
  if (rows.length <= max) return;
  rows.pop();
  window.isWhole = false;
}
