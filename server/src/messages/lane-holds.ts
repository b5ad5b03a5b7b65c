import type { Lane } from "./lane.ts";
import type { LaneNumber } from "./lane-store.ts";

/** What keeps lanes from being claimed from, whatever waits in them. */
export function createHolds() {
  const leaving = new Set<number>();
  const unread = new Set<number>();
  const paused = new Map<number, Set<number>>();
  const isPaused = ({ shard, row }: Lane) => paused.get(shard)?.has(row.lane) === true;
  return {
    gain: (shards: readonly number[]) => {
      for (const shard of shards) leaving.delete(shard);
      for (const shard of shards) unread.add(shard);
    },
    leave: (shards: readonly number[]) => {
      for (const shard of shards) leaving.add(shard);
    },
    setPaused: (shards: readonly number[], lanes: readonly LaneNumber[]) => {
      for (const shard of shards) paused.delete(shard);
      for (const { shard, lane } of lanes) {
        const numbers = paused.get(shard) ?? new Set();
        paused.set(shard, numbers.add(lane));
      }
      for (const shard of shards) unread.delete(shard);
    },
    isPaused,
    mayClaim: (lane: Lane) =>
      !isPaused(lane) && !leaving.has(lane.shard) && !unread.has(lane.shard),
  };
}
