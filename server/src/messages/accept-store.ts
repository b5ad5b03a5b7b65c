import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import type { MediaList } from "./media.ts";
import type { Direction, Priority } from "./message.ts";

/** A message that has been decided on and waits for its batch to be stored. */
export type AcceptedRow = {
  readonly id: MessageId;
  readonly account: number;
  readonly lane: number;
  /** Segments that the lane may hold. */
  readonly laneCapacity: number;
  readonly pool: string;
  readonly direction: Direction;
  readonly sender: string;
  readonly recipient: string;
  readonly body: string;
  readonly encoding: "GSM-7" | "UCS-2";
  readonly segments: number;
  readonly priority: Priority;
  readonly validUntil: Date;
  readonly statusCallback: string | undefined;
  readonly isSimulated: boolean;
  readonly options: MessageOptions | undefined;
  /** Its id was reserved before: an earlier attempt, of which nobody heard, may have stored it. */
  readonly mayBeStored: boolean;
};

export type MessageOptions = {
  readonly provideFeedback?: true;
  /** The legal answer to a STOP or HELP goes to people who opted out, too. */
  readonly isKeywordReply?: true;
  /** Has quiet hours. */
  readonly isMarketing?: true;
  /** The messaging service that it was sent through, or that the texted number is in. */
  readonly service?: string;
  /** What it comes from when nobody in the service can carry it. */
  readonly fallbackFrom?: string;
  readonly media?: MediaList;
};

export type StoreVerdict = "stored" | "full" | "draining" | "opted out";

/**
 * Stores a batch in one statement: messages, queue, counters, and one event for each account's. A row whose lane is full or
 * being drained, or whose recipient opted out, is left out and says so. Running it again with the same ids stores
 * nothing twice. Lanes are locked by shard and lane, so that two acceptors never lock in opposite
 * orders.
 */
export async function storeAccepted(
  sql: Sql,
  rows: readonly AcceptedRow[],
  stamp: Stamp,
): Promise<Map<MessageId, StoreVerdict>> {
  const found = await sql<StoredRow[]>`
    with item as materialized (
      select *
      from unnest(
        ${arrayOf(rows, (row) => shardOf(row.id))}::smallint[],
        ${arrayOf(rows, (row) => row.id)}::bigint[],
        ${arrayOf(rows, (row) => dayOf(row.id))}::date[],
        ${arrayOf(rows, (row) => row.account)}::int[],
        ${arrayOf(rows, (row) => row.lane)}::int[],
        ${arrayOf(rows, (row) => row.laneCapacity)}::bigint[],
        ${arrayOf(rows, (row) => row.pool)}::text[],
        ${arrayOf(rows, (row) => row.direction)}::text[],
        ${arrayOf(rows, (row) => row.sender)}::text[],
        ${arrayOf(rows, (row) => row.recipient)}::text[],
        ${arrayOf(rows, (row) => row.body)}::text[],
        ${arrayOf(rows, (row) => row.encoding)}::text[],
        ${arrayOf(rows, (row) => row.segments)}::smallint[],
        ${arrayOf(rows, (row) => row.priority)}::smallint[],
        ${arrayOf(rows, (row) => row.validUntil.toISOString())}::timestamptz[],
        ${arrayOf(rows, (row) => row.statusCallback)}::text[],
        ${arrayOf(rows, (row) => row.isSimulated)}::boolean[],
        ${arrayOf(rows, (row) => (row.options ? JSON.stringify(row.options) : null))}::jsonb[]
      ) with ordinality as item(
        shard, id, day, account, lane, capacity, pool, direction, sender, recipient, body,
        encoding, segments, priority, valid_until, status_callback, is_simulated, options, place
      )
    ), lane as materialized (
      select lanes.shard, lanes.lane, lanes.drained_by is not null as is_draining,
        lanes.accepted - (
          select departed from lane_departures
          where shard = one.shard and lane = one.lane
        ) as depth
      from (select distinct shard, lane from item) as one
      join lanes on lanes.shard = any(array[one.shard]) and lanes.lane = any(array[one.lane])
      order by one.shard, one.lane
      for no key update of lanes
    ), held as materialized (
      select item.*, lane.depth, exists (
        select from opt_outs
        where opt_outs.account = item.account
          and opt_outs.pool = any(array[item.pool, item.sender])
          and opt_outs.recipient = item.recipient
      ) and not coalesce(item.options ? 'isKeywordReply', false) as is_opted_out,
        lane.is_draining
          and not coalesce(item.options ? 'isKeywordReply', false) as is_draining
      from item
      join lane on lane.shard = item.shard and lane.lane = item.lane
    ), decided as materialized (
      select held.*, not is_opted_out and not is_draining
        and depth + sum(case when is_opted_out or is_draining then 0 else segments end)
          over (partition by shard, lane order by place) <= capacity as fits
      from held
    ), stored as (
      insert into messages (
        shard, id, day, account, lane, direction, sender, recipient, body, encoding, segments,
        priority, valid_until, status_callback, is_simulated, options
      )
      select shard, id, day, account, lane, direction, sender, recipient, body, encoding, segments,
        priority, valid_until, status_callback, is_simulated, options
      from decided
      where fits
      on conflict do nothing
      returning shard, id, lane, priority, segments, valid_until, account
    ), queued as (
      insert into queue (shard, lane, priority, id, attempt, segments, valid_until)
      select shard, lane, priority, id, 1, segments, valid_until
      from stored
    ), counted as (
      update lanes
      set accepted = lanes.accepted + added.segments
      from (select shard, lane, sum(segments) as segments from stored group by shard, lane) as added
      where lanes.shard = any(array[added.shard]) and lanes.lane = any(array[added.lane])
    ), logged as (
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${String(stamp.writer)}::bigint,
        ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
        current_date, now(), 'accepted', account, min(id), jsonb_build_object('ids', jsonb_agg(id::text))
      from stored
      group by account
    )
    select id, fits, is_opted_out as "isOptedOut", is_draining as "isDraining"
    from decided
    limit 1000
  `;
  return new Map(found.map((row) => [row.id, verdictOf(row)]));
}

type StoredRow = {
  readonly id: bigint;
  readonly fits: boolean;
  readonly isOptedOut: boolean;
  readonly isDraining: boolean;
};

function verdictOf(row: StoredRow): StoreVerdict {
  if (row.fits) return "stored";
  if (row.isOptedOut) return "opted out";
  return row.isDraining ? "draining" : "full";
}

/** Which of these were stored after all, by a batch whose answer was lost. */
export async function findStored(sql: Sql, ids: readonly MessageId[]): Promise<Set<MessageId>> {
  const rows = await sql<{ id: bigint }[]>`
    select messages.id
    from unnest(
      ${arrayOf(ids, shardOf)}::smallint[], ${arrayOf(ids, (one) => one)}::bigint[], ${arrayOf(ids, dayOf)}::date[]
    ) as item(shard, id, day)
    join messages on messages.shard = any(array[item.shard])
      and messages.id = any(array[item.id]) and messages.day = any(array[item.day])
    limit 1000
  `;
  return new Set(rows.map((row) => row.id));
}

export type LaneKey = { readonly account: number; readonly pool: string; readonly sender: string };

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
