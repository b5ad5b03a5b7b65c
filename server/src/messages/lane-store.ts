import type { Sql } from "../db/sql.ts";
import type { LaneReport } from "./lane-report.ts";

/** A lane by the numbers that only this database knows it by. */
export type LaneNumber = { readonly shard: number; readonly lane: number };

export type LaneKey = { readonly account: number; readonly pool: string; readonly sender: string };

/** Paused lanes are read by every owner each second. */
const PAUSED_MAX = 100_000;
/** An owner tells of each lane within ten seconds; what is older was told by one that is gone. */
const REPORT_AGE_S = 15;

/** The lane of a pool and sender, made at its first message. */
export async function findOrInsertLane(sql: Sql, shard: number, key: LaneKey): Promise<number> {
  await sql`
    with made as (
      insert into lanes (shard, account, pool, sender)
      values (${shard}, ${key.account}, ${key.pool}, ${key.sender})
      on conflict (shard, account, pool, sender) do nothing
      returning shard, lane
    )
    insert into lane_departures (shard, lane)
    select shard, lane
    from made
  `;
  const [row] = await sql<{ lane: number }[]>`
    select lane
    from lanes
    where shard = ${shard} and account = ${key.account}
      and pool = ${key.pool} and sender = ${key.sender}
  `;
  if (row === undefined) throw new Error("The lane that was just made is gone.");
  return row.lane;
}

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

export type ReportRow = LaneNumber & { readonly report: LaneReport };

export async function writeReports(sql: Sql, rows: readonly ReportRow[]): Promise<void> {
  await sql`
    insert into lane_reports (shard, lane, reported_at, report)
    select shard, lane, now(), report
    from unnest(
      ${rows.map((row) => row.shard)}::smallint[], ${rows.map((row) => row.lane)}::int[],
      ${rows.map((row) => JSON.stringify(row.report))}::text[]::jsonb[]
    ) as item(shard, lane, report)
    on conflict (shard, lane) do update
    set reported_at = excluded.reported_at, report = excluded.report
  `;
}

/** A lane as the database knows it. */
export type StoredLane = {
  readonly account: number;
  readonly pool: string;
  readonly sender: string;
  /** Segments that wait. */
  readonly depth: number;
  readonly pausedBy: string | null;
  readonly drainedBy: string | null;
  /** Of the last seconds; null: its owner told nothing. */
  readonly report: LaneReport | null;
};

export type LaneFilter = {
  readonly account: number;
  /** Only those that hold something, are paused or drained. */
  readonly isBusy: boolean;
  readonly after?: { readonly pool: string; readonly sender: string } | undefined;
  readonly limit: number;
};

/** An account's lanes, by pool and sender. */
export async function listLanes(sql: Sql, filter: LaneFilter): Promise<StoredLane[]> {
  const { after } = filter;
  return sql<StoredLane[]>`
    select ${laneColumns(sql)}
    from lanes
    ${reportOf(sql)}
    where lanes.account = ${filter.account}
      ${after === undefined ? sql`` : sql`and (lanes.pool, lanes.sender) > (${after.pool}, ${after.sender})`}
      ${
        filter.isBusy
          ? sql`and (accepted > departed or paused_by is not null or drained_by is not null)`
          : sql``
      }
    order by lanes.pool, lanes.sender
    limit ${filter.limit}
  `;
}

export async function findLane(
  sql: Sql,
  key: LaneKey & { readonly shard: number },
): Promise<StoredLane | undefined> {
  const [row] = await sql<StoredLane[]>`
    select ${laneColumns(sql)}
    from lanes
    ${reportOf(sql)}
    where lanes.shard = ${key.shard} and lanes.account = ${key.account}
      and lanes.pool = ${key.pool} and lanes.sender = ${key.sender}
  `;
  return row;
}

export async function findNumberedLane(
  sql: Sql,
  { shard, lane }: LaneNumber,
): Promise<StoredLane | undefined> {
  const [row] = await sql<StoredLane[]>`
    select ${laneColumns(sql)}
    from lanes
    ${reportOf(sql)}
    where lanes.shard = ${shard} and lanes.lane = ${lane}
  `;
  return row;
}

function laneColumns(sql: Sql) {
  return sql`lanes.account, lanes.pool, lanes.sender, (accepted - departed)::float8 as depth,
    paused_by as "pausedBy", drained_by as "drainedBy", report`;
}

function reportOf(sql: Sql) {
  return sql`
    join lane_departures as gone on gone.shard = lanes.shard and gone.lane = lanes.lane
    left join lane_reports as told on told.shard = lanes.shard and told.lane = lanes.lane
      and told.reported_at > now() - ${REPORT_AGE_S}::int * interval '1 second'`;
}
