import { arrayOf } from "../db/array-literal.ts";
import { dayOfId, shardOfId } from "../db/message-key.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import { columnsOf, lanesOf } from "./accept-columns-store.ts";
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

/**
 * `claimed`: stored, and taken by the claim that was proposed for it. `claim unknown`: stored by a
 * statement whose answer was lost, with that claim or without it.
 */
export type StoreVerdict =
  | "stored"
  | "claimed"
  | "claim unknown"
  | "full"
  | "draining"
  | "opted out";

/** By which connector a message is to leave, if its shard still has this epoch as it is stored. */
export type DirectClaim = { readonly connector: string; readonly epoch: bigint };

/** A batch to be stored. */
export type NewBatch = {
  readonly rows: readonly AcceptedRow[];
  /** Some may be stored already: an earlier attempt's answer was lost. */
  readonly isAgain: boolean;
  /**
   * Lanes are locked when the rows are in instead of before, so that two batches to one lane are
   * written side by side (docs/decisions/0081). Where a lane cannot take all nothing is stored: there is
   * no verdict on any row, or an error for `isLaneFull` if it could before.
   */
  readonly locksLast?: boolean | undefined;
  /** Claims of this owner's for some of them; not of a batch that is stored again. */
  readonly direct?:
    | { readonly owner: string; readonly claims: ReadonlyMap<MessageId, DirectClaim> }
    | undefined;
};

/**
 * Stores a batch in one statement: messages, their places in the queue or their claims, counters, and one event for each
 * account's. A row whose lane is full or being drained, or whose recipient opted out, is left out and says so. Running it
 * again with the same ids and `isAgain` stores nothing twice. Lanes are locked by shard and lane, so that two acceptors
 * never lock in opposite orders. What is claimed at once passes nothing that waits in its lane, whoever stored it; and it
 * has never waited, so no counter has it.
 */
export async function storeAccepted(
  sql: Sql,
  { rows, isAgain, direct, locksLast = false }: NewBatch,
  stamp: Stamp,
): Promise<Map<MessageId, StoreVerdict>> {
  if (locksLast && direct !== undefined) throw new Error("A claim needs its lane locked before.");
  const owner = direct?.owner ?? null;
  const claimOf = ({ id }: AcceptedRow) => direct?.claims.get(id);
  const lanes = lanesOf(rows, claimOf);
  const found = await sql<{ verdict: StoreVerdict; places: number[] }[]>`
    with item as materialized (
      select *, ${shardOfId(sql)} as shard, ${dayOfId(sql)} as day
      from (${columnsOf(sql, rows, claimOf)}) as told
    ), lane as materialized (
      select lanes.shard, lanes.lane, lanes.account, lanes.pool, lanes.sender, one.capacity,
        one.segments as asked, one.connector, lanes.drained_by is not null as is_draining,
        lanes.accepted - (
          select departed from lane_departures
          where shard = one.shard and lane = one.lane
        ) as depth, exists (
          select from shards
          where shards.shard = one.shard and shards.epoch = one.epoch
            and shards.owner = ${owner}::text and lanes.paused_by is null
            and exists (select from owners where owner = ${owner}::text and expires_at > now())
            and exists (
              select from accounts
              where accounts.account = lanes.account and accounts.status = 'active'
            )
        ) as is_ours, one.epoch
      from unnest(
        ${arrayOf(lanes, ({ shard }) => shard)}::smallint[], ${arrayOf(lanes, ({ lane }) => lane)}::int[],
        ${arrayOf(lanes, ({ capacity }) => capacity)}::bigint[],
        ${arrayOf(lanes, ({ segments }) => segments)}::int[],
        ${arrayOf(lanes, ({ claim }) => claim?.connector)}::text[],
        ${arrayOf(lanes, ({ claim }) => claim?.epoch)}::bigint[]
      ) as one(shard, lane, capacity, segments, connector, epoch)
      join lanes on lanes.shard = any(array[one.shard]) and lanes.lane = any(array[one.lane])
      ${locksLast ? sql`` : lockedInOrder(sql, sql`one`)}
    ), held as materialized (
      select item.*, lane.account, lane.pool, lane.sender, lane.capacity, lane.depth, lane.connector,
        lane.epoch, lane.is_ours, lane.depth + lane.asked <= lane.capacity as is_roomy, exists (
          select from opt_outs
          where opt_outs.account = lane.account
            and opt_outs.pool = any(array[lane.pool, lane.sender])
            and opt_outs.recipient = item.recipient
        ) and not coalesce(item.options ? 'isKeywordReply', false) as is_opted_out,
        lane.is_draining
          and not coalesce(item.options ? 'isKeywordReply', false) as is_draining
      from item
      join lane on lane.shard = item.shard and lane.lane = item.lane
    ), decided as materialized (
      select held.*, not is_opted_out and not is_draining and (
          is_roomy or depth + (
            select sum(earlier.segments)
            from held as earlier
            where earlier.lane = held.lane and earlier.place <= held.place
              and not earlier.is_opted_out and not earlier.is_draining
          ) <= capacity
        ) as fits, is_direct and is_ours and depth = 0 as is_claimed
      from held
      ${locksLast ? sql`where (select bool_and(not is_draining and depth + asked <= capacity) from lane)` : sql``}
    ), stored as (
      insert into messages (
        shard, id, day, account, lane, direction, sender, recipient, body, encoding, segments,
        priority, valid_until, status_callback, is_simulated, options
      )
      select shard, id, day, account, lane, direction, sender, recipient, body, encoding, segments,
        priority, valid_until, status_callback, is_simulated, options
      from decided
      where fits
      ${isAgain ? sql`on conflict do nothing` : sql``}
      ${isAgain || locksLast ? returningFresh(sql) : sql``}
    ), fresh as (
      ${isAgain || locksLast ? sql`select * from stored` : sql`select * from decided where fits`}
    ), queued as (
      insert into queue (shard, lane, priority, id, attempt, segments, valid_until)
      select shard, lane, priority, id, 1, segments, valid_until
      from fresh
      where not is_claimed
      returning shard, lane, segments
    ), claimed as (
      insert into claims (
        shard, id, lane, priority, attempt, segments, valid_until, connector, owner, epoch, claimed_at
      )
      select shard, id, lane, priority, 1, segments, valid_until, connector, ${owner}::text, epoch, now()
      from fresh
      where is_claimed
    ), added as materialized (
      ${locksLast ? addedAndLocked(sql) : addedSegments(sql)}
    ), counted as (
      update lanes
      set accepted = lanes.accepted + added.segments
      from added
      where lanes.shard = any(array[added.shard]) and lanes.lane = any(array[added.lane])
    ), logged as (
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${String(stamp.writer)}::bigint,
        ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
        current_date, now(), 'accepted', account, min(id), jsonb_build_object('ids', string_agg(id::text, ' '))
      from fresh
      group by account
    )
    select verdict, array_agg(place) as places
    from (
      select place, case
          when is_opted_out then 'opted out'
          when is_draining then 'draining'
          when not fits then 'full'
          when is_claimed then 'claimed'
          else 'stored'
        end as verdict
      from decided
      ${locksLast ? sql`where (select lanes_have_room(bool_and(is_roomy)) from added)` : sql``}
    ) as told
    group by verdict
    limit 5
  `;
  return verdictsOf(rows, found);
}

/** Of each row, by its place from 1 on: most often all have one. */
function verdictsOf(
  rows: readonly AcceptedRow[],
  found: readonly { readonly verdict: StoreVerdict; readonly places: readonly number[] }[],
): Map<MessageId, StoreVerdict> {
  const verdicts = new Map<MessageId, StoreVerdict>();
  for (const { verdict, places } of found) {
    for (const place of places) {
      const row = rows[place - 1];
      if (row !== undefined) verdicts.set(row.id, verdict);
    }
  }
  return verdicts;
}

/** A part of a statement: two acceptors never lock in opposite orders. */
function lockedInOrder(sql: Sql, table: ReturnType<Sql>) {
  return sql`
      order by ${table}.shard, ${table}.lane
      for no key update of lanes`;
}

/** A part of a statement: what comes into each lane's queue. */
function addedSegments(sql: Sql) {
  return sql`
      select shard, lane, sum(segments) as segments
      from queued
      group by shard, lane`;
}

/** The same with the lanes locked, as the last row is in, and whether they have room by then. */
function addedAndLocked(sql: Sql) {
  return sql`
      select lanes.shard, lanes.lane, one.segments, lanes.drained_by is null
          and lanes.accepted + one.segments - (
            select departed from lane_departures
            where shard = one.shard and lane = one.lane
          ) <= lane.capacity as is_roomy
      from (${addedSegments(sql)}) as one
      join lane on lane.shard = one.shard and lane.lane = one.lane
      join lanes on lanes.shard = any(array[one.shard]) and lanes.lane = any(array[one.lane])
      ${lockedInOrder(sql, sql`one`)}`;
}

/** Nothing was stored: by the time that it was locked, a lane could not take all. */
export function isLaneFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === LANE_FULL;
}

/** Of the function `lanes_have_room`. */
const LANE_FULL = "LW001";

/** A part of a statement: the rows that were not there before. */
function returningFresh(sql: Sql) {
  return sql`
      returning shard, id, lane, priority, segments, valid_until, account, null::text as connector,
        null::bigint as epoch, false as is_claimed`;
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
