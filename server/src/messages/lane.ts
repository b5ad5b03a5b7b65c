import type { MessageId } from "../lib/message-id.ts";
import type { DayMeter } from "../throughput/day-limits.ts";
import type { NamedLimiter } from "../throughput/limiters.ts";
import type { Passage } from "../throughput/passage.ts";
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
export type Lane = {
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
  /** What it waits for in a row with others. */
  waitsIn: LaneQueue | undefined;
  ticket: number;
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

export function createLane(row: LaneRow, way: Way, { isTaken, windowMax, onEnd }: LaneNeeds): Lane {
  const windows: Window[] = priorities.map(() => ({ rows: [], isWhole: false, isStale: false }));
  const windowOf = (priority: Priority) => windows[priority] as Window;
  let turn = 0;
  let size = 0;
  /** Bits by priority: a lane is looked at more often than its windows change, and they lie apart in memory. */
  let filled = 0;
  let lacking = ALL;

  /** After a change of a window. */
  const note = (priority: Priority, grown: number) => {
    const { rows, isWhole } = windowOf(priority);
    const bit = 1 << priority;
    size += grown;
    filled = rows.length > 0 ? filled | bit : filled & ~bit;
    lacking = !isWhole && rows.length < windowMax() / 2 ? lacking | bit : lacking & ~bit;
  };

  const change = <Result>(priority: Priority, run: (window: Window) => Result): Result => {
    const window = windowOf(priority);
    const before = window.rows.length;
    const result = run(window);
    note(priority, window.rows.length - before);
    return result;
  };

  const doubt = (isEmptied: boolean) => {
    for (const priority of priorities) change(priority, (window) => unsettle(window, isEmptied));
  };

  return {
    ...{
      row,
      way,
      hasRoute: true,
      version: 0,
      reserved: 0,
      claiming: 0,
      notBefore: Number.NEGATIVE_INFINITY,
    },
    ...{
      fullTimes: 0,
      generation: 0,
      waitsIn: undefined,
      ticket: 0,
      stoppedBy: undefined,
      heldBy: undefined,
    },
    ...{ throttledUntil: Number.NEGATIVE_INFINITY, written: 0 },
    ...{ size: () => size, windowMax },
    offer: (queued) => {
      onEnd(queued.validUntil);
      change(queued.priority, (window) => putIn(window, queued, windowMax()));
    },
    putBack: (rows) => {
      for (const queued of rows.toReversed()) {
        onEnd(queued.validUntil);
        change(queued.priority, (window) => window.rows.unshift(queued));
      }
    },
    next: () => {
      const priority = nextPriority(filled, turn);
      if (priority === undefined) return undefined;
      turn = (turn + 1) % TURNS;
      const taken = windowOf(priority).rows.shift();
      note(priority, -1);
      return taken;
    },
    takeExpired: (now) => {
      const ended = priorities.filter((one) => isHeadExpired(windowOf(one), now));
      return ended.flatMap((one) => change(one, (window) => cutExpired(window, now)));
    },
    soonestEnd: () => windows.reduce(soonerEnd, Number.POSITIVE_INFINITY),
    unread: () => priorities.filter((priority) => (lacking & (1 << priority)) !== 0),
    hasUnread: () => lacking !== 0,
    beginRead: (priority) => {
      windowOf(priority).isStale = false;
    },
    endRead: (priority, rows, isAll) =>
      change(priority, (window) => {
        window.rows = rows.filter((queued) => !isTaken(queued.id));
        window.isWhole = isAll && !window.isStale;
        for (const { validUntil } of window.rows) onEnd(validUntil);
      }),
    ...{ forget: () => doubt(false), readAgain: () => doubt(true) },
  };
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
  lane.way.passage.reserve(segments);
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
