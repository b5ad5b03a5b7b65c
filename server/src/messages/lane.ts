import type { MessageId } from "../lib/message-id.ts";
import type { NamedLimiter } from "../throughput/limiters.ts";
import type { Passage } from "../throughput/passage.ts";
import type { Channel, LaneQueue } from "./channel.ts";
import type { LaneRow, QueuedRow } from "./dispatch-store.ts";
import type { Priority } from "./message.ts";

/** Ids that a lane keeps in memory per priority, whatever the queue holds. */
export const WINDOW_MAX = 1_000;

const priorities = [0, 1, 2, 3] as const satisfies readonly Priority[];
/** Of twenty departures one belongs to each lower priority that waits: no priority starves. */
const TURNS = 20;
const reservedTurns: Readonly<Record<number, Priority>> = { 6: 1, 12: 2, 18: 3 };

/** Where a lane leaves by, and what it passes on the way. */
export type Way = { readonly passage: Passage; readonly channel: Channel };

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
  /** Nothing is written before this instant: the carrier asked for patience (monotonic ms). */
  notBefore: number;
  /** The last such instant that a carrier asked for by throttling. */
  throttledUntil: number;
  /** Segments handed to the connector since this process has the lane. */
  written: number;
  /** What it waits for in a row with others. */
  waitsIn: LaneQueue | undefined;
  ticket: number;
  /** What ended the last claiming from it, when messages were left. */
  stoppedBy: NamedLimiter | "patience" | "window" | undefined;
  /** What did before that, since its owner last told of it: a lane may be looked at as it goes on. */
  heldBy: Lane["stoppedBy"];
  readonly size: () => number;
  readonly offer: (row: QueuedRow) => void;
  /** Puts messages that were taken before their places, at the head. */
  readonly putBack: (rows: readonly QueuedRow[]) => void;
  /** Takes the next message by priority and order. */
  readonly next: () => QueuedRow | undefined;
  /** Takes the messages at the heads whose validity has ended. */
  readonly takeExpired: (now: Date) => QueuedRow[];
  /** Priorities whose window may lack messages that the queue holds. */
  readonly unread: () => Priority[];
  readonly hasUnread: () => boolean;
  readonly beginRead: (priority: Priority) => void;
  readonly endRead: (priority: Priority, rows: readonly QueuedRow[], isAll: boolean) => void;
  readonly forget: () => void;
};

type Window = { rows: QueuedRow[]; isWhole: boolean; isStale: boolean };

export function createLane(row: LaneRow, way: Way, isTaken: (id: MessageId) => boolean): Lane {
  const windows: Window[] = priorities.map(() => ({ rows: [], isWhole: false, isStale: false }));
  const windowOf = (priority: Priority) => windows[priority] as Window;
  let turn = 0;

  const choose = (): Window | undefined => {
    const reserved = reservedTurns[turn % TURNS];
    if (reserved !== undefined && windowOf(reserved).rows.length > 0) return windowOf(reserved);
    return windows.find((window) => window.rows.length > 0);
  };

  return {
    ...{ row, way, hasRoute: true, version: 0, reserved: 0, notBefore: Number.NEGATIVE_INFINITY },
    ...{ waitsIn: undefined, ticket: 0, stoppedBy: undefined, heldBy: undefined },
    ...{ throttledUntil: Number.NEGATIVE_INFINITY, written: 0 },
    size: () => {
      let size = 0;
      for (const { rows } of windows) size += rows.length;
      return size;
    },
    offer: (queued) => {
      const window = windowOf(queued.priority);
      window.isStale = true;
      putIn(window, queued);
    },
    putBack: (rows) => {
      for (const queued of rows.toReversed()) windowOf(queued.priority).rows.unshift(queued);
    },
    next: () => {
      const taken = choose()?.rows.shift();
      if (taken !== undefined) turn += 1;
      return taken;
    },
    takeExpired: (now) =>
      windows.flatMap(({ rows }) => {
        const living = rows.findIndex((queued) => queued.validUntil > now);
        return rows.splice(0, living === -1 ? rows.length : living);
      }),
    unread: () => priorities.filter((priority) => isUnread(windowOf(priority))),
    hasUnread: () => windows.some(isUnread),
    beginRead: (priority) => {
      windowOf(priority).isStale = false;
    },
    endRead: (priority, rows, isAll) => {
      const window = windowOf(priority);
      window.rows = rows.filter((queued) => !isTaken(queued.id));
      window.isWhole = isAll && !window.isStale;
    },
    forget: () => {
      for (const window of windows) window.isWhole = false;
    },
  };
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

function isUnread({ isWhole, rows }: Window): boolean {
  return !isWhole && rows.length < WINDOW_MAX / 2;
}

/** One that is new stands at the end, where the window may end before; one that comes back, at its place. */
function putIn(window: Window, queued: QueuedRow): void {
  const { rows } = window;
  const last = rows.at(-1);
  const isInside = last !== undefined && queued.id <= last.id;
  if (!isInside && !window.isWhole) return;
  const place = isInside ? rows.findIndex((other) => other.id >= queued.id) : rows.length;
  if (rows[place]?.id === queued.id) return;
  rows.splice(place, 0, queued);
  if (rows.length <= WINDOW_MAX) return;
  rows.pop();
  window.isWhole = false;
}
