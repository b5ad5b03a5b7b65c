import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import type { Claim } from "./claim-store.ts";
import type { LaneRow, QueuedRow } from "./queue-store.ts";
import { insertSubmissions, type SubmissionRecord } from "./submission-store.ts";
import type { WaitCause } from "./wait-causes.ts";

/** A claimed message that is not to leave before `dueAt`. */
export type Deferral = {
  readonly claim: Claim;
  readonly account: number;
  readonly dueAt: Date;
  readonly why: WaitCause;
  /** The answers to what was submitted of it. */
  readonly submissions: readonly SubmissionRecord[];
};

/**
 * Moves claims of ours to `later`. One that another owner has taken over meanwhile is left alone.
 * A message that waits counts in its lane's depth.
 */
export async function deferClaims(
  sql: Sql,
  deferrals: readonly Deferral[],
  owner: string,
  stamp: Stamp,
): Promise<void> {
  const parts = deferrals.flatMap(({ submissions }) => submissions);
  await sql`
    with submitted as (
      ${insertSubmissions(sql, parts)}
    ), item as materialized (
      select *
      from unnest(
        ${arrayOf(deferrals, ({ claim }) => claim.shard)}::smallint[],
        ${arrayOf(deferrals, ({ claim }) => claim.id)}::bigint[],
        ${arrayOf(deferrals, ({ claim }) => claim.epoch)}::bigint[],
        ${arrayOf(deferrals, ({ claim }) => claim.attempt)}::smallint[],
        ${arrayOf(deferrals, ({ account }) => account)}::int[],
        ${arrayOf(deferrals, ({ dueAt }) => dueAt.toISOString())}::timestamptz[],
        ${arrayOf(deferrals, ({ why }) => why)}::text[]
      ) as item(shard, id, epoch, attempt, account, due_at, why)
    ), unclaimed as (
      delete from claims
      using item
      where claims.shard = any(array[item.shard]) and claims.id = any(array[item.id])
        and claims.owner = ${owner} and claims.epoch = item.epoch
      returning claims.lane, claims.priority, claims.segments, claims.valid_until,
        case when claims.attempt > 1 then claims.connector end as connector, item.*
    ), waiting as (
      insert into later (shard, due_at, id, why, lane, priority, attempt, segments, valid_until,
        connector)
      select shard, due_at, id, why, lane, priority, attempt, segments, valid_until, connector
      from unclaimed
    ), counted as (
      update lane_departures as lanes
      set departed = departed - back.segments
      from (
        select shard, lane, sum(segments) as segments from unclaimed group by shard, lane
      ) as back
      where lanes.shard = any(array[back.shard]) and lanes.lane = any(array[back.lane])
    )
    insert into events (writer, seq, day, at, kind, account, id, data)
    select ${String(stamp.writer)}::bigint,
      ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
      current_date, now(), 'deferred', account, id,
      jsonb_build_object('why', why, 'until', due_at)
    from unclaimed
  `;
}

/**
 * Puts messages whose instant has come back into the queue, at their place in it. Needs no fence:
 * whoever does it, each is moved once.
 */
export async function moveDue(
  sql: Sql,
  of: { shards: readonly number[]; now: Date; limit: number },
): Promise<(QueuedRow & LaneRow)[]> {
  return sql<(QueuedRow & LaneRow)[]>`
    with due as materialized (
      select found.*
      from unnest(${of.shards as number[]}::smallint[]) as owned(shard)
      cross join lateral (
        select shard, due_at, id
        from later
        where later.shard = owned.shard and due_at <= ${of.now}
        order by due_at, id
        limit ${of.limit}
        for update skip locked
      ) as found
      limit ${of.limit}
    ), moved as (
      delete from later
      using due
      where later.shard = any(array[due.shard]) and later.due_at = any(array[due.due_at])
        and later.id = any(array[due.id])
      returning later.*
    ), queued as (
      insert into queue (shard, lane, priority, id, attempt, segments, valid_until, connector)
      select shard, lane, priority, id, attempt, segments, valid_until, connector
      from moved
    )
    select moved.shard, moved.lane, moved.priority, moved.id, moved.attempt, moved.segments,
      moved.valid_until as "validUntil", account, pool, sender
    from moved
    join lanes on lanes.shard = any(array[moved.shard]) and lanes.lane = any(array[moved.lane])
    order by moved.id
    limit ${of.limit}
  `;
}

/** When the next message of these shards comes due. */
export async function nextDueAt(sql: Sql, shards: readonly number[]): Promise<Date | undefined> {
  const [row] = await sql<{ dueAt: Date | null }[]>`
    select min(found.due_at) as "dueAt"
    from unnest(${shards as number[]}::smallint[]) as owned(shard)
    cross join lateral (
      select due_at
      from later
      where later.shard = owned.shard
      order by due_at
      limit 1
    ) as found
  `;
  return row?.dueAt ?? undefined;
}

/**
 * Queued messages whose validity has ended, of those that are valid for less than the usual ten
 * hours: they alone can end behind others that have not, and only they are in the index.
 */
export async function findExpired(
  sql: Sql,
  of: { shards: readonly number[]; now: Date; limit: number },
): Promise<(QueuedRow & LaneRow)[]> {
  return sql<(QueuedRow & LaneRow)[]>`
    with expired as materialized (
      select found.*
      from unnest(${of.shards as number[]}::smallint[]) as owned(shard)
      cross join lateral (
        select shard, lane, priority, id, attempt, segments, valid_until
        from queue
        where queue.shard = owned.shard and valid_until <= ${of.now}
          and valid_until < to_timestamp(((id >> 22) + 1704102900000) / 1000.0)
        order by valid_until
        limit ${of.limit}
      ) as found
      limit ${of.limit}
    )
    select expired.shard, expired.lane, expired.priority, expired.id, expired.attempt,
      expired.segments, expired.valid_until as "validUntil", account, pool, sender
    from expired
    join lanes on lanes.shard = any(array[expired.shard]) and lanes.lane = any(array[expired.lane])
    limit ${of.limit}
  `;
}
