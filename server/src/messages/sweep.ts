import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import { SHARD_COUNT } from "../lib/message-id.ts";
import type { Claimer } from "./claimer.ts";
import type { Doubts } from "./doubts.ts";
import { type Lane, reserve } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneReporter } from "./lane-reporter.ts";
import { findPausedLanes } from "./lane-store.ts";
import { forget, takeExpired } from "./lane-windows.ts";
import type { Later } from "./later.ts";
import { findExpired } from "./later-store.ts";
import type { PartWriter } from "./part-writer.ts";
import type { Pump } from "./pump.ts";
import { findBusyLanes, type LaneRow, type QueuedRow } from "./queue-store.ts";

/** Ended validities that one sweep takes; the next takes more. */
const EXPIRED_MAX = 1_000;

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
  readonly doubts: Doubts;
  readonly reporter: LaneReporter;
};

/**
 * Finds what no hint told of: other processes' messages, claims in doubt, ended validity; tells of its lanes.
 * `looksAtWays`: lanes look at their routes and limits again, though no change of them was told.
 */
export async function sweep(
  app: SweepNeeds,
  machine: Swept,
  { looksAtWays }: { looksAtWays: boolean },
): Promise<void> {
  const { book, writer, pump, later, doubts, reporter } = machine;
  writer.giveBackLost();
  const owned = ownedShards(app);
  if (owned.shards.length === 0) return;
  book.setPaused(owned.shards, await findPausedLanes(app.hot, owned.shards));
  await doubts.recover(owned);
  await later.moveDue();
  const found = new Set<Lane>();
  const unrouted: LaneRow[] = [];
  for (const row of await findBusyLanes(app.hot, owned.shards, [...book.busy.keys()])) {
    const lane = book.laneFor(row);
    if (lane === undefined) {
      unrouted.push(row);
      continue;
    }
    found.add(lane);
    if (lane.size === 0) forget(lane);
    book.touch(lane);
  }
  if (looksAtWays) book.reconfigure(false);
  await failExpired(app, machine, owned.shards);
  writer.writeAll();
  pump.soon();
  await reporter.report({ found, unrouted });
}

/** Claims what is not worth sending any more, for its end: at the heads, and behind full windows. */
async function failExpired(
  app: SweepNeeds,
  { book, claimer }: Swept,
  shards: readonly number[],
): Promise<void> {
  const now = app.clock();
  const fail = (lane: Lane, queued: QueuedRow) => {
    const epoch = app.epochOf(queued.shard);
    if (epoch === undefined) return;
    if (claimer.take(lane, queued, { connector: "none", epoch })) reserve(lane, queued.segments);
  };
  for (const lane of book.withExpired(now)) {
    for (const queued of takeExpired(lane, now)) fail(lane, queued);
  }
  for (const row of await findExpired(app.hot, { shards, now, limit: EXPIRED_MAX })) {
    const lane = book.laneFor(row);
    if (lane !== undefined) fail(lane, row);
  }
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
