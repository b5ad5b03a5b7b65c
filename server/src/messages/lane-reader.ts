import type { Sql } from "../db/sql.ts";
import { readLane } from "./dispatch-store.ts";
import { type Lane, WINDOW_MAX } from "./lane.ts";

const LANES_READ_AT_ONCE_MAX = 4;

export type LaneReader = {
  /** Fills the windows that lack messages, soon; asking again meanwhile costs nothing. */
  readonly fill: (lane: Lane) => void;
};

/** Reads the heads of lanes from the queue, a few lanes at a time. */
export function createLaneReader(app: {
  hot: Sql;
  onRead: (lane: Lane) => void;
  onError: (error: unknown) => void;
}): LaneReader {
  const waiting = new Set<Lane>();
  const reading = new Set<Lane>();

  const readWindows = async (lane: Lane) => {
    for (const priority of lane.unread()) {
      lane.beginRead(priority);
      const { shard, lane: number } = lane.row;
      const rows = await readLane(app.hot, {
        ...{ shard, lane: number, priority, afterId: 0n, limit: WINDOW_MAX },
      });
      lane.endRead(priority, rows, rows.length < WINDOW_MAX);
    }
  };

  const readNext = () => {
    for (const lane of waiting) {
      if (reading.size >= LANES_READ_AT_ONCE_MAX) return;
      waiting.delete(lane);
      reading.add(lane);
      readWindows(lane)
        .catch(app.onError)
        .finally(() => {
          reading.delete(lane);
          app.onRead(lane);
          readNext();
        });
    }
  };

  return {
    fill: (lane) => {
      if (reading.has(lane)) return;
      waiting.add(lane);
      readNext();
    },
  };
}
