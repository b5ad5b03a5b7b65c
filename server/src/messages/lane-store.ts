import type { Sql } from "../db/sql.ts";
import type { LaneKey } from "./accept-store.ts";

/** A lane by the numbers that only this database knows it by. */
export type LaneNumber = { readonly shard: number; readonly lane: number };

/** Paused lanes are read by every owner each second. */
const PAUSED_MAX = 100_000;

/** The lanes of these shards that somebody paused. */
export async function findPausedLanes(sql: Sql, shards: readonly number[]): Promise<LaneNumber[]> {
  return sql<LaneNumber[]>`
    select shard, lane
    from lanes
    where paused_by is not null and shard = any(${shards as number[]}::smallint[])
    limit ${PAUSED_MAX}
  `;
}

/** Who pauses and who drains a lane, by their account's sid; null takes it back. */
export type LaneHold = {
  readonly pausedBy?: string | null;
  readonly drainedBy?: string | null;
};

/** Pauses or drains a lane, or takes it back; what is not given stays. Whoever did it first is kept. */
export async function holdLane(
  sql: Sql,
  lane: LaneKey & { readonly shard: number },
  { pausedBy, drainedBy }: LaneHold,
): Promise<void> {
  await sql`
    update lanes
    set paused_by = case
        when ${pausedBy === undefined} then paused_by
        when ${pausedBy === null} then null
        else coalesce(paused_by, ${pausedBy ?? null})
      end,
      drained_by = case
        when ${drainedBy === undefined} then drained_by
        when ${drainedBy === null} then null
        else coalesce(drained_by, ${drainedBy ?? null})
      end
    where shard = ${lane.shard} and account = ${lane.account}
      and pool = ${lane.pool} and sender = ${lane.sender}
  `;
}
