import type { MessageId } from "../lib/message-id.ts";
import { createLimiter } from "../throughput/limiter.ts";
import type { LaneRow, QueuedRow } from "./dispatch-store.ts";
import { createLane, type Lane } from "./lane.ts";
import type { LaneNumber } from "./lane-store.ts";

/** A new limiter knows nothing of the last second's segments. */
const LIMITER_WINDOW_MS = 1_000;

/** The lanes that this process has seen, with their limiters; `busy` ones may have work. */
export type LaneBook = {
  readonly busy: Set<Lane>;
  /** Nothing when its account no longer holds the sender. */
  readonly laneFor: (row: LaneRow) => Lane | undefined;
  /** A message that stands in the queue now. */
  readonly offer: (row: QueuedRow & LaneRow) => void;
  /** Gives a lane another rate; the old one's last second counts against it. */
  readonly setRate: (lane: Lane, segmentsPerSecond: number) => void;
  /** Shards that became ours: nothing leaves before `notBefore`, and windows are read anew. */
  readonly gain: (shards: readonly number[], notBefore: number) => void;
  /** Shards that another process is to have: nothing more is claimed from them. */
  readonly leave: (shards: readonly number[]) => void;
  /** What the database says of these shards: which of their lanes are paused. */
  readonly setPaused: (shards: readonly number[], paused: readonly LaneNumber[]) => void;
  readonly isPaused: (lane: Lane) => boolean;
  /** Not while it is paused, its shard is leaving, or has not been asked for paused lanes yet. */
  readonly mayClaim: (lane: Lane) => boolean;
  /** Windows may lack messages that the queue holds. */
  readonly forgetWindows: () => void;
};

export function createLaneBook(app: {
  rateOf: (row: LaneRow) => number | undefined;
  isTaken: (id: MessageId) => boolean;
}): LaneBook {
  const lanes = new Map<number, Lane>();
  const startAfter = new Map<number, number>();
  const leaving = new Set<number>();
  const unread = new Set<number>();
  const paused = new Map<number, Set<number>>();
  const isPaused = ({ row }: Lane) => paused.get(row.shard)?.has(row.lane) === true;

  const busy = new Set<Lane>();

  const laneFor = (row: LaneRow): Lane | undefined => {
    const known = lanes.get(row.lane);
    if (known !== undefined) return known;
    const segmentsPerSecond = app.rateOf(row);
    if (segmentsPerSecond === undefined) return undefined;
    const limiter = createLimiter(segmentsPerSecond);
    limiter.waitUntil(startAfter.get(row.shard) ?? 0);
    const { shard, lane: number, account, pool, sender } = row;
    const lane = createLane({ shard, lane: number, account, pool, sender }, limiter, app.isTaken);
    lanes.set(row.lane, lane);
    return lane;
  };

  return {
    ...{ busy, laneFor },
    offer: (row) => {
      const lane = laneFor(row);
      if (lane === undefined) return;
      lane.offer(row);
      busy.add(lane);
    },
    setRate: (lane, segmentsPerSecond) => {
      if (segmentsPerSecond === lane.limiter.segmentsPerSecond) return;
      lane.limiter = createLimiter(segmentsPerSecond);
      lane.limiter.waitUntil(performance.now() + LIMITER_WINDOW_MS);
    },
    gain: (shards, notBefore) => {
      const gained = new Set(shards);
      for (const shard of shards) leaving.delete(shard);
      for (const shard of shards) unread.add(shard);
      for (const shard of shards) startAfter.set(shard, notBefore);
      for (const lane of lanes.values()) {
        if (!gained.has(lane.row.shard)) continue;
        lane.limiter.waitUntil(notBefore);
        lane.forget();
      }
    },
    leave: (shards) => {
      for (const shard of shards) leaving.add(shard);
    },
    setPaused: (shards, lanes) => {
      for (const shard of shards) paused.delete(shard);
      for (const { shard, lane } of lanes) {
        const numbers = paused.get(shard) ?? new Set();
        paused.set(shard, numbers.add(lane));
      }
      for (const shard of shards) unread.delete(shard);
    },
    isPaused,
    mayClaim: (lane) =>
      !isPaused(lane) && !leaving.has(lane.row.shard) && !unread.has(lane.row.shard),
    forgetWindows: () => {
      for (const lane of lanes.values()) lane.forget();
    },
  };
}
