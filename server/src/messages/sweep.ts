import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import { SHARD_COUNT } from "../lib/message-id.ts";
import type { Claimer } from "./claimer.ts";
import { findBusyLanes, recoverClaims } from "./dispatch-store.ts";
import type { LaneBook } from "./lane-book.ts";
import { findPausedLanes } from "./lane-store.ts";
import type { Later } from "./later.ts";
import type { Pump } from "./pump.ts";
import type { PartWriter } from "./write-parts.ts";

export type SweepNeeds = {
  readonly hot: Sql;
  readonly clock: Clock;
  readonly epochOf: (shard: number) => bigint | undefined;
};

type Swept = {
  readonly book: LaneBook;
  readonly claimer: Claimer;
  readonly writer: PartWriter;
  readonly pump: Pump;
  readonly later: Later;
};

/** Finds what no hint told of: other processes' messages, claims in doubt, ended validity. */
export async function sweep(app: SweepNeeds, machine: Swept): Promise<void> {
  const { book, claimer, writer, pump, later } = machine;
  const owned = ownedShards(app);
  if (owned.shards.length === 0) return;
  book.setPaused(owned.shards, await findPausedLanes(app.hot, owned.shards));
  await recoverClaims(app.hot, owned);
  await later.moveDue();
  for (const row of await findBusyLanes(app.hot, owned.shards)) {
    const lane = book.laneFor(row);
    if (lane === undefined) continue;
    if (lane.size() === 0) lane.forget();
    book.busy.add(lane);
    const epoch = app.epochOf(row.shard);
    if (epoch === undefined) continue;
    for (const queued of lane.takeExpired(app.clock())) {
      if (claimer.take(lane, queued, { connector: "none", epoch })) {
        writer.reserve(lane, queued.segments);
      }
    }
  }
  writer.writeAll();
  pump.soon();
}

export function ownedShards(app: Pick<SweepNeeds, "epochOf">): {
  shards: number[];
  epochs: bigint[];
} {
  const shards: number[] = [];
  const epochs: bigint[] = [];
  for (let shard = 0; shard < SHARD_COUNT; shard += 1) {
    const epoch = app.epochOf(shard);
    if (epoch === undefined) continue;
    shards.push(shard);
    epochs.push(epoch);
  }
  return { shards, epochs };
}
