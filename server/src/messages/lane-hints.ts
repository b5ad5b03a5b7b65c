import type { Sql } from "../db/sql.ts";
import type { Lane } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import { forget } from "./lane-windows.ts";
import { findBusyLanes } from "./queue-store.ts";

/** Another process stored messages for shards of ours: their lanes are looked at now, not at the next sweep. */
export function createLaneHints(app: {
  hot: Sql;
  epochOf: (shard: number) => bigint | undefined;
  book: LaneBook;
  onFound: (lane: Lane) => void;
  onError: (error: unknown) => void;
}): (shards: readonly number[]) => void {
  const heard = new Set<number>();
  let isReading = false;

  const read = async () => {
    while (heard.size > 0) {
      const shards = [...heard].filter((shard) => app.epochOf(shard) !== undefined);
      heard.clear();
      if (shards.length === 0) return;
      for (const row of await findBusyLanes(app.hot, shards)) {
        const lane = app.book.laneFor(row);
        if (lane === undefined) continue;
        forget(lane);
        app.onFound(lane);
      }
    }
  };

  return (shards) => {
    for (const shard of shards) heard.add(shard);
    if (isReading) return;
    isReading = true;
    read()
      .catch(app.onError)
      .finally(() => {
        isReading = false;
      });
  };
}
