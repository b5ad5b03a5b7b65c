import type { MessageId } from "../lib/message-id.ts";
import type { Limiter } from "../throughput/limiter.ts";
import type { LaneRow, QueuedRow } from "./dispatch-store.ts";
import type { Priority } from "./message.ts";

/** Ids that a lane keeps in memory per priority, whatever the queue holds. */
export const WINDOW_MAX = 1_000;

const priorities = [0, 1, 2, 3] as const satisfies readonly Priority[];
/** Of twenty departures one belongs to each lower priority that waits: no priority starves. */
const TURNS = 20;
const reservedTurns: Readonly<Record<number, Priority>> = { 6: 1, 12: 2, 18: 3 };

/** A lane's place in memory: the heads of its four queues and what is claimed but not written. */
export type Lane = {
  readonly row: LaneRow;
  /** Replaced when the sender's rate changes. */
  limiter: Limiter;
  /** Claimed segments that have not left. */
  reserved: number;
  /** Nothing is written before this instant: the carrier asked for patience (monotonic ms). */
  notBefore: number;
  readonly size: () => number;
  readonly offer: (row: QueuedRow) => void;
  /** Puts messages that were taken before their places, at the head. */
  readonly putBack: (rows: readonly QueuedRow[]) => void;
  /** Takes the next message by priority and order. */
  readonly next: () => QueuedRow | undefined;
  /** Takes the messages whose validity has ended. */
  readonly takeExpired: (now: Date) => QueuedRow[];
  /** Priorities whose window may lack messages that the queue holds. */
  readonly unread: () => Priority[];
  readonly beginRead: (priority: Priority) => void;
  readonly endRead: (priority: Priority, rows: readonly QueuedRow[], isAll: boolean) => void;
  readonly forget: () => void;
};

type Window = { rows: QueuedRow[]; isWhole: boolean; isStale: boolean };

export function createLane(
  row: LaneRow,
  limiter: Limiter,
  isTaken: (id: MessageId) => boolean,
): Lane {
  const windows: Window[] = priorities.map(() => ({ rows: [], isWhole: false, isStale: false }));
  const windowOf = (priority: Priority) => windows[priority] as Window;
  let turn = 0;

  const choose = (): Window | undefined => {
    const reserved = reservedTurns[turn % TURNS];
    if (reserved !== undefined && windowOf(reserved).rows.length > 0) return windowOf(reserved);
    return windows.find((window) => window.rows.length > 0);
  };

  return {
    row,
    limiter,
    reserved: 0,
    notBefore: Number.NEGATIVE_INFINITY,
    size: () => windows.reduce((sum, window) => sum + window.rows.length, 0),
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
      windows.flatMap((window) => {
        const expired = window.rows.filter((queued) => queued.validUntil <= now);
        if (expired.length > 0) {
          window.rows = window.rows.filter((queued) => queued.validUntil > now);
        }
        return expired;
      }),
    unread: () =>
      priorities.filter((priority) => {
        const { isWhole, rows } = windowOf(priority);
        return !isWhole && rows.length < WINDOW_MAX / 2;
      }),
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
