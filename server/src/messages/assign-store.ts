import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import type { LaneRow, QueuedRow } from "./queue-store.ts";

/** The next messages of a service that have no sender yet, by priority and order. */
export async function readUnassigned(
  sql: Sql,
  lane: Pick<LaneRow, "shard" | "lane">,
  limit: number,
): Promise<QueuedRow[]> {
  return sql<QueuedRow[]>`
    select shard, lane, priority, id, attempt, segments, valid_until as "validUntil"
    from queue
    where shard = ${lane.shard} and lane = ${lane.lane}
    order by priority, id
    limit ${limit}
  `;
}

export type Unassigned = {
  readonly id: MessageId;
  readonly recipient: string;
  readonly statusCallback: string | null;
  /** What this recipient got its texts of the service from so far. */
  readonly sticky: string | null;
  /** Its FallbackFrom. */
  readonly fallback: string | null;
  readonly hasMedia: boolean;
};

export async function readRecipients(
  sql: Sql,
  of: Pick<LaneRow, "account" | "pool">,
  ids: readonly MessageId[],
): Promise<Unassigned[]> {
  return sql<Unassigned[]>`
    select messages.id, messages.recipient, messages.status_callback as "statusCallback",
      sticky_senders.sender as sticky, messages.options ->> 'fallbackFrom' as fallback,
      coalesce(messages.options ? 'media', false) as "hasMedia"
    from unnest(
      ${ids.map(shardOf)}::smallint[], ${ids.map(String)}::bigint[], ${ids.map(dayOf)}::text[]::date[]
    ) as item(shard, id, day)
    join messages on messages.shard = any(array[item.shard])
      and messages.id = any(array[item.id]) and messages.day = any(array[item.day])
    left join sticky_senders on sticky_senders.account = ${of.account}
      and sticky_senders.service = ${of.pool}
      and sticky_senders.recipient = any(array[messages.recipient])
    limit ${ids.length}
  `;
}

/** Segments that wait for each sender of a pool. */
export async function readDepths(
  sql: Sql,
  pool: Pick<LaneRow, "shard" | "account" | "pool">,
): Promise<{ readonly sender: string; readonly lane: number; readonly depth: number }[]> {
  return sql<{ sender: string; lane: number; depth: number }[]>`
    select sender, lanes.lane, (accepted - departed)::float8 as depth
    from lanes
    join lane_departures as gone on gone.shard = lanes.shard and gone.lane = lanes.lane
    where lanes.shard = ${pool.shard} and account = ${pool.account} and pool = ${pool.pool}
    limit 10000
  `;
}

/** A message and the lane that it goes to, or what it fails with. */
export type Assignment = {
  readonly queued: QueuedRow;
  readonly to:
    | { readonly lane: number; readonly sender: string; readonly isSimulated: boolean }
    | { readonly errorCode: number };
  /** Of the event. */
  readonly data: object;
};

export type StickySender = { readonly recipient: string; readonly sender: string };

/**
 * Moves messages from their service's lane to those of their senders; gives the ids that moved or
 * failed: others are canceled, or another process was first. Needs no fence, for that reason.
 * Lanes are locked in the order in which acceptors lock them.
 */
export async function assignMessages(
  sql: Sql,
  from: Pick<LaneRow, "account" | "pool">,
  {
    assignments,
    sticky,
  }: {
    readonly assignments: readonly Assignment[];
    readonly sticky: readonly StickySender[];
  },
  stamp: Stamp,
): Promise<Set<MessageId>> {
  const queued = assignments.map((one) => one.queued);
  const targets = assignments.map(({ to }) => ("lane" in to ? to : undefined));
  const rows = await sql<{ id: bigint }[]>`
    with wanted as materialized (
      select *
      from unnest(
        ${queued.map((row) => row.shard)}::smallint[], ${queued.map((row) => row.lane)}::int[],
        ${queued.map((row) => row.priority)}::smallint[],
        ${queued.map((row) => String(row.id))}::bigint[],
        ${queued.map((row) => dayOf(row.id))}::text[]::date[],
        ${targets.map((to) => to?.lane ?? null)}::int[],
        ${targets.map((to) => to?.sender ?? null)}::text[],
        ${targets.map((to) => String(to?.isSimulated ?? false))}::text[]::boolean[],
        ${assignments.map(({ to }) => ("errorCode" in to ? to.errorCode : null))}::int[],
        ${assignments.map(({ data }) => JSON.stringify(data))}::text[]::jsonb[]
      ) as wanted(
        shard, lane, priority, id, day, to_lane, sender, is_simulated, error_code, data
      )
    ), held as materialized (
      select lanes.shard, lanes.lane
      from (select distinct shard, to_lane from wanted where to_lane is not null) as target
      join lanes on lanes.shard = any(array[target.shard]) and lanes.lane = any(array[target.to_lane])
      order by lanes.shard, lanes.lane
      for no key update of lanes
    ), taken as (
      delete from queue
      using wanted
      where queue.shard = any(array[wanted.shard]) and queue.lane = any(array[wanted.lane])
        and queue.priority = any(array[wanted.priority]) and queue.id = any(array[wanted.id])
        and (select count(*) from held) >= 0
      returning queue.*, wanted.day, wanted.to_lane, wanted.sender, wanted.is_simulated,
        wanted.error_code, wanted.data
    ), moved as (
      insert into queue (shard, lane, priority, id, attempt, segments, valid_until)
      select shard, to_lane, priority, id, attempt, segments, valid_until
      from taken
      where to_lane is not null
    ), named as (
      update messages
      set sender = taken.sender, lane = taken.to_lane, is_simulated = taken.is_simulated
      from taken
      where messages.shard = any(array[taken.shard]) and messages.id = any(array[taken.id])
        and messages.day = any(array[taken.day]) and taken.to_lane is not null
    ), failed as (
      insert into outcomes (shard, id, day, status, error_code, updated_at)
      select shard, id, day, 'failed', error_code, now()
      from taken
      where error_code is not null
      on conflict do nothing
    ), arrived as (
      update lanes
      set accepted = lanes.accepted + added.segments
      from (
        select shard, to_lane as lane, sum(segments) as segments
        from taken
        where to_lane is not null
        group by shard, to_lane
      ) as added
      where lanes.shard = any(array[added.shard]) and lanes.lane = any(array[added.lane])
    ), departed as (
      update lane_departures as lanes
      set departed = departed + gone.segments
      from (
        select shard, lane, sum(segments) as segments from taken group by shard, lane
      ) as gone
      where lanes.shard = any(array[gone.shard]) and lanes.lane = any(array[gone.lane])
    ), kept as (
      insert into sticky_senders (account, service, recipient, sender, used_on)
      select ${from.account}, ${from.pool}, recipient, sender, current_date
      from unnest(
        ${sticky.map((one) => one.recipient)}::text[], ${sticky.map((one) => one.sender)}::text[]
      ) as item(recipient, sender)
      on conflict (account, service, recipient) do update
      set sender = excluded.sender, used_on = excluded.used_on
      where sticky_senders.sender <> excluded.sender or sticky_senders.used_on <> excluded.used_on
    ), logged as (
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${String(stamp.writer)}::bigint,
        ${String(stamp.firstSeq)}::bigint + row_number() over () - 1, current_date, now(),
        case when error_code is null then 'queued' else 'failed' end, ${from.account}, id, data
      from taken
    )
    select id
    from taken
    limit ${assignments.length}
  `;
  return new Set(rows.map((row) => row.id));
}

/** Forgets recipients that got nothing for long. */
export async function deleteStickyBefore(sql: Sql, before: Date, limit: number): Promise<number> {
  const result = await sql`
    delete from sticky_senders
    where ctid = any(array(
      select ctid
      from sticky_senders
      where used_on < ${before.toISOString()}::text::timestamptz::date
      limit ${limit}
    ))
  `;
  return result.count;
}
