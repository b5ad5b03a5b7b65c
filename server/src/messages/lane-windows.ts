import type { MessageId } from "../lib/message-id.ts";
import type { Priority } from "./message.ts";
import type { QueuedRow } from "./queue-store.ts";

const priorities = [0, 1, 2, 3] as const satisfies readonly Priority[];
/** Of twenty departures one belongs to each lower priority that waits: no priority starves. */
const TURNS = 20;
const reservedTurns: Readonly<Record<number, Priority>> = { 6: 1, 12: 2, 18: 3 };
const ALL = 0b1111;
/** The lowest bit of each set of priorities. */
const firstOf = Array.from({ length: ALL + 1 }, (_, set) =>
  priorities.find((priority) => (set & (1 << priority)) !== 0),
);

/** The heads of a lane's four queues, by priority; sets of priorities are bits. */
export type LaneWindows = {
  readonly windows: QueuedRow[][];
  /** Messages in all of them. */
  size: number;
  /** Which have messages. */
  filled: number;
  /** Which may lack messages that the queue holds, and are to be read. */
  lacking: number;
  /** Which hold all that the queue does. */
  whole: number;
  /** Which were changed since their last read began. */
  stale: number;
  /** No message in them has a higher id. */
  newest: MessageId;
  /** Whose departure is next, of twenty. */
  turn: number;
  readonly needs: WindowNeeds;
};

/** What all lanes' windows share. */
export type WindowNeeds = {
  readonly isTaken: (id: MessageId) => boolean;
  /** Messages that a window holds at most, now. */
  readonly windowMax: () => number;
  /** Told of the validity of what comes into a window. */
  readonly onEnd: (validUntil: Date) => void;
};

/** Nothing was read yet. */
export const unreadWindows = {
  ...{ size: 0, filled: 0, lacking: ALL, whole: 0, stale: 0, turn: 0 },
  newest: 0n,
};

function windowOf({ windows }: LaneWindows, priority: Priority): QueuedRow[] {
  return windows[priority] as QueuedRow[];
}

function setBit(set: number, priority: Priority, isIn: boolean): number {
  return isIn ? set | (1 << priority) : set & ~(1 << priority);
}

/** After a change of a window that held so many messages before. */
function note(lane: LaneWindows, priority: Priority, before: number): void {
  const { length } = windowOf(lane, priority);
  const isWhole = (lane.whole & (1 << priority)) !== 0;
  const isLacking = !isWhole && length < lane.needs.windowMax() / 2;
  lane.size += length - before;
  lane.filled = setBit(lane.filled, priority, length > 0);
  lane.lacking = setBit(lane.lacking, priority, isLacking);
}

export function offerTo(lane: LaneWindows, queued: QueuedRow): void {
  const { priority } = queued;
  const before = windowOf(lane, priority).length;
  lane.needs.onEnd(queued.validUntil);
  putIn(lane, queued);
  note(lane, priority, before);
}

/** One that is new stands at the end, where the window may end before; one that comes back, at its place. */
function putIn(lane: LaneWindows, queued: QueuedRow): void {
  const { priority, id } = queued;
  const rows = windowOf(lane, priority);
  lane.stale = setBit(lane.stale, priority, true);
  // A new one need not be compared with those that wait: these are in no cache.
  const last = id > lane.newest ? undefined : rows.at(-1);
  const isInside = last !== undefined && id <= last.id;
  if (!isInside && (lane.whole & (1 << priority)) === 0) return;
  noteNewest(lane, queued);
  if (!isInside) rows.push(queued);
  else {
    const place = rows.findIndex((other) => other.id >= id);
    if (rows[place]?.id === id) return;
    rows.splice(place, 0, queued);
  }
  if (rows.length <= lane.needs.windowMax()) return;
  rows.pop();
  lane.whole = setBit(lane.whole, priority, false);
}

function noteNewest(lane: LaneWindows, queued: QueuedRow | undefined): void {
  if (queued !== undefined && queued.id > lane.newest) lane.newest = queued.id;
}

/** Puts messages that were taken before their places, at the head. */
export function putBack(lane: LaneWindows, taken: readonly QueuedRow[]): void {
  for (const queued of taken.toReversed()) {
    const rows = windowOf(lane, queued.priority);
    lane.needs.onEnd(queued.validUntil);
    noteNewest(lane, queued);
    rows.unshift(queued);
    note(lane, queued.priority, rows.length - 1);
  }
}

/** Takes the next message by priority and order. */
export function takeNext(lane: LaneWindows): QueuedRow | undefined {
  const priority = nextPriority(lane.filled, lane.turn);
  if (priority === undefined) return undefined;
  lane.turn = (lane.turn + 1) % TURNS;
  const rows = windowOf(lane, priority);
  const taken = rows.shift();
  note(lane, priority, rows.length + 1);
  return taken;
}

/** The first with messages, or a lower one whose reserved turn it is. */
function nextPriority(filled: number, turn: number): Priority | undefined {
  const reserved = reservedTurns[turn];
  if (reserved !== undefined && (filled & (1 << reserved)) !== 0) return reserved;
  return filled === 0 ? undefined : firstOf[filled];
}

/** Takes the messages at the heads whose validity has ended. */
export function takeExpired(lane: LaneWindows, now: Date): QueuedRow[] {
  return priorities.flatMap((priority) => {
    const rows = windowOf(lane, priority);
    const before = rows.length;
    const living = rows.findIndex((queued) => queued.validUntil > now);
    const ended = rows.splice(0, living === -1 ? before : living);
    if (ended.length > 0) note(lane, priority, before);
    return ended;
  });
}

/** When the first validity in its windows ends (milliseconds of the wall clock); infinite: they are empty. */
export function soonestEnd({ windows }: LaneWindows): number {
  let soonest = Number.POSITIVE_INFINITY;
  for (const rows of windows) {
    for (const { validUntil } of rows) soonest = Math.min(soonest, validUntil.getTime());
  }
  return soonest;
}

/** Priorities whose window may lack messages that the queue holds. */
export function unreadOf({ lacking }: LaneWindows): Priority[] {
  return priorities.filter((priority) => (lacking & (1 << priority)) !== 0);
}

export function beginRead(lane: LaneWindows, priority: Priority): void {
  lane.stale = setBit(lane.stale, priority, false);
}

export function endRead(
  lane: LaneWindows,
  priority: Priority,
  { rows, isAll }: { readonly rows: readonly QueuedRow[]; readonly isAll: boolean },
): void {
  const { needs, windows } = lane;
  const before = windowOf(lane, priority).length;
  const isStale = (lane.stale & (1 << priority)) !== 0;
  const waiting = rows.filter((queued) => !needs.isTaken(queued.id));
  windows[priority] = waiting;
  noteNewest(lane, waiting.at(-1));
  lane.whole = setBit(lane.whole, priority, isAll && !isStale);
  for (const { validUntil } of waiting) needs.onEnd(validUntil);
  note(lane, priority, before);
}

/** Its windows may lack messages. */
export function forget(lane: LaneWindows): void {
  lane.whole = 0;
  for (const priority of priorities) note(lane, priority, windowOf(lane, priority).length);
}

/** Its windows are not what the queue holds: nothing leaves until they were read anew. */
export function readAgain(lane: LaneWindows): void {
  for (const priority of priorities) lane.windows[priority] = [];
  lane.stale = ALL;
  lane.size = 0;
  forget(lane);
}
