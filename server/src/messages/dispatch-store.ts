import { arrayOf } from "../db/array-literal.ts";
import { isAlreadyThere } from "../db/database-errors.ts";
import { instantColumn } from "../db/instant-column.ts";
import { dayOfId, shardOfId } from "../db/message-key.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, type MessageId } from "../lib/message-id.ts";
import type { DayCharge } from "../throughput/day-limits.ts";
import type { MessageOptions } from "./accept-store.ts";
import type { Priority } from "./message.ts";
import { insertSubmissions, type SubmissionRecord } from "./submission-store.ts";

/** A message that waits in a lane. */
export type QueuedRow = {
  readonly shard: number;
  readonly lane: number;
  readonly priority: Priority;
  readonly id: MessageId;
  readonly attempt: number;
  readonly segments: number;
  readonly validUntil: Date;
};

export type LaneRow = {
  readonly shard: number;
  readonly lane: number;
  readonly account: number;
  readonly pool: string;
  readonly sender: string;
};

/**
 * Lanes that have something to send now among the shards that we own, except those that we know of:
 * what waits in `later` is not in the queue.
 */
export async function findBusyLanes(
  sql: Sql,
  shards: readonly number[],
  known: readonly number[] = [],
): Promise<LaneRow[]> {
  return sql<LaneRow[]>`
    select lanes.shard, lanes.lane, account, pool, sender
    from lanes
    join lane_departures as gone on gone.shard = lanes.shard and gone.lane = lanes.lane
    where lanes.shard = any(${shards as number[]}::smallint[]) and accepted > departed
      and lanes.lane not in (select unnest(${arrayOf(known, (lane) => lane)}::int[]))
      and exists (
        select from queue
        where queue.shard = lanes.shard and queue.lane = lanes.lane
        offset 0
      )
    limit 100000
  `;
}

/** One priority of a lane, and how many messages of it are wanted. */
export type LaneHead = {
  readonly shard: number;
  readonly lane: number;
  readonly priority: Priority;
  readonly most: number;
};

/** The first messages of each, in order. */
export async function readHeads(sql: Sql, heads: readonly LaneHead[]): Promise<QueuedRow[]> {
  return sql<QueuedRow[]>`
    select waiting.*
    from unnest(
      ${arrayOf(heads, (head) => head.shard)}::smallint[], ${arrayOf(heads, (head) => head.lane)}::int[],
      ${arrayOf(heads, (head) => head.priority)}::smallint[], ${arrayOf(heads, (head) => head.most)}::int[]
    ) as head(shard, lane, priority, most),
    lateral (
      select shard, lane, priority, id, attempt, segments, valid_until as "validUntil"
      from queue
      where shard = head.shard and lane = head.lane and priority = head.priority
      order by id
      limit head.most
    ) as waiting
  `;
}

export type Claim = QueuedRow & {
  readonly connector: string;
  readonly epoch: bigint;
  /** What it takes of the days that are limited. */
  readonly charges?: readonly DayCharge[] | undefined;
};

export type ClaimedMessage = {
  readonly id: MessageId;
  /** What keeps it from leaving: Twilio's code. */
  readonly errorCode: number | null;
  readonly account: number;
  readonly sender: string;
  readonly recipient: string;
  readonly body: string;
  readonly statusCallback: string | null;
  readonly isSimulated: boolean;
  readonly whenUnknown: "resend" | "hold";
  /** The only connector that may carry it: an earlier attempt may have left by it. */
  readonly onlyBy?: string | null;
  readonly options: MessageOptions | null;
};

/**
 * Takes messages out of the queue before their bytes leave, fenced by our heartbeat and the shard's epoch. Opt-out
 * (21610), account state (30002) and validity (30036) are checked again: a message that may not
 * leave fails here. Ids that come back missing belong to another owner or are canceled.
 */
export async function claimMessages(
  sql: Sql,
  claims: readonly Claim[],
  owner: string,
  stamp: Stamp,
): Promise<ClaimedMessage[]> {
  return sql<ClaimedMessage[]>`
    with wanted as materialized (
      select *
      from unnest(
        ${arrayOf(claims, (claim) => claim.shard)}::smallint[], ${arrayOf(claims, (claim) => claim.lane)}::int[],
        ${arrayOf(claims, (claim) => claim.priority)}::smallint[],
        ${arrayOf(claims, (claim) => claim.id)}::bigint[],
        ${arrayOf(claims, (claim) => dayOf(claim.id))}::date[],
        ${arrayOf(claims, (claim) => claim.connector)}::text[],
        ${arrayOf(claims, (claim) => claim.epoch)}::bigint[]
      ) as wanted(shard, lane, priority, id, day, connector, epoch)
    ), taken as (
      delete from queue
      using wanted
      where queue.shard = any(array[wanted.shard]) and queue.lane = any(array[wanted.lane])
        and queue.priority = any(array[wanted.priority]) and queue.id = any(array[wanted.id])
        and exists (select from owners where owner = ${owner} and expires_at > now())
        and exists (
          select from shards
          where shards.shard = wanted.shard and shards.owner = ${owner} and shards.epoch = wanted.epoch
          offset 0
        )
      returning queue.*, wanted.day, wanted.connector as proposed, wanted.epoch
    ), judged as materialized (
      select taken.*, messages.account, messages.sender, messages.recipient, messages.body,
        messages.status_callback, messages.is_simulated, messages.options, accounts.when_unknown,
        case
          when taken.valid_until <= now() then 30036
          when accounts.status <> 'active' then 30002
          when not coalesce(messages.options ? 'isKeywordReply', false) and exists (
            select from opt_outs
            where opt_outs.account = messages.account and opt_outs.recipient = messages.recipient
              and opt_outs.pool = any(array[lanes.pool, messages.sender])
          ) then 21610
        end as error_code
      from taken
      join messages on messages.shard = any(array[taken.shard])
        and messages.id = any(array[taken.id]) and messages.day = any(array[taken.day])
      join lanes on lanes.shard = any(array[taken.shard]) and lanes.lane = any(array[taken.lane])
      join accounts on accounts.account = any(array[messages.account])
    ), claimed as (
      insert into claims (
        shard, id, lane, priority, attempt, segments, valid_until, connector, owner, epoch, claimed_at
      )
      select shard, id, lane, priority, attempt, segments, valid_until, coalesce(connector, proposed),
        ${owner}, epoch, now()
      from judged
      where error_code is null
    ), failed as (
      insert into outcomes (shard, id, day, status, error_code, updated_at)
      select shard, id, day, 'failed', error_code, now()
      from judged
      where error_code is not null
      on conflict do nothing
    ), logged as (
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${String(stamp.writer)}::bigint,
        ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
        current_date, now(), 'failed', account, id, jsonb_strip_nulls(jsonb_build_object(
          'from', sender, 'to', recipient, 'callback', status_callback, 'errorCode', error_code,
          'service', options ->> 'service'))
      from judged where error_code is not null
    ), counted as (
      update lane_departures as lanes
      set departed = departed + gone.segments
      from (
        select shard, lane, sum(segments) as segments from taken group by shard, lane
      ) as gone
      where lanes.shard = any(array[gone.shard]) and lanes.lane = any(array[gone.lane])
    )${chargeDays(sql, claims, owner)}
    select id, error_code as "errorCode", account, sender, recipient, body,
      status_callback as "statusCallback", is_simulated as "isSimulated", when_unknown as "whenUnknown",
      options, connector as "onlyBy"
    from judged
    limit 1000
  `;
}

/** Counts what is claimed in our shares of the days that are limited; most claims pass none. */
function chargeDays(sql: Sql, claims: readonly Claim[], owner: string) {
  const charged = claims.flatMap(({ id, charges = [] }) =>
    charges.map(({ key, day }) => ({ id, key, day })),
  );
  if (charged.length === 0) return sql``;
  return sql`, charged as (
      update day_shares
      set used = used + spent.segments
      from (
        select key, item.day, sum(segments)::int as segments
        from unnest(
          ${arrayOf(charged, ({ id }) => id)}::bigint[], ${charged.map(({ key }) => key)}::text[],
          ${arrayOf(charged, ({ day }) => day)}::date[]
        ) as item(id, key, day)
        join judged on judged.id = item.id
        where error_code is null
        group by key, item.day
      ) as spent
      where day_shares.key = any(array[spent.key]) and day_shares.day = any(array[spent.day])
        and day_shares.owner = ${owner}
    )`;
}

/** What a message costs that has left, in millionths; nothing when no price list says. */
export type PriceOf = (departure: Departure) => number | undefined;

/** What became of a claimed message, with the answers to its parts. */
export type Departure = {
  readonly claim: Claim;
  readonly message: ClaimedMessage;
  readonly status: "sent" | "failed";
  readonly errorCode: number | undefined;
  readonly sentAt: Date;
  readonly submissions: readonly SubmissionRecord[];
  /** Milliseconds from accept to claim, and from claim to the first byte. */
  readonly waits: { readonly queueMs: number; readonly paceMs: number };
};

type Recording = { readonly stamp: Stamp; readonly priceOf: PriceOf };

/**
 * Records facts, whoever owns the shard by now; twice is the same as once. Most are new, which an
 * outcome's key tells: only when one is there already does PostgreSQL look for each.
 */
export async function recordDepartures(
  sql: Sql,
  departures: readonly Departure[],
  recording: Recording,
): Promise<void> {
  try {
    await insertDepartures(sql, departures, { ...recording, areNew: true });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    await insertDepartures(sql, departures, { ...recording, areNew: false });
  }
}

async function insertDepartures(
  sql: Sql,
  departures: readonly Departure[],
  { stamp, priceOf, areNew }: Recording & { readonly areNew: boolean },
): Promise<void> {
  const parts = departures.flatMap((departure) => departure.submissions);
  // Of a message without an outcome, later attempts may be known from when it was put off.
  const areFirst = parts.every(({ attempt }) => attempt === 1);
  await sql`
    with submitted as (
      ${insertSubmissions(sql, parts, { areNew: areNew && areFirst })}
    ), item as materialized (
      select *, ${shardOfId(sql)} as shard, ${dayOfId(sql)} as day
      from (${departureColumns(sql, departures, priceOf)}) as told
    ), unclaimed as (
      delete from claims
      using item
      where claims.shard = any(array[item.shard]) and claims.id = any(array[item.id])
    ), fresh as materialized (
      select item.*
      from item
      ${areNew ? sql`` : unlessSettled(sql)}
    ), settled as (
      insert into outcomes (
        shard, id, day, status, error_code, connector, price_micros, sent_at, updated_at
      )
      select shard, id, day, status, error_code, connector, price_micros,
        case when status = 'sent' then sent_at end, now()
      from fresh
      ${areNew ? sql`` : sql`on conflict do nothing`}
    )
    insert into events (writer, seq, day, at, kind, account, id, data)
    select ${String(stamp.writer)}::bigint,
      ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
      current_date, now(), status, account, id, data
    from fresh
  `;
}

function unlessSettled(sql: Sql) {
  return sql`
      where not exists (
        select from outcomes
        where shard = item.shard and id = item.id and day = item.day
        offset 0
      )
  `;
}

function departureColumns(sql: Sql, departures: readonly Departure[], priceOf: PriceOf) {
  const prices = departures.map(priceOf);
  const events = departures.map((one, place) => departureEvent(one, prices[place]));
  return sql`
        select unnest(${arrayOf(departures, ({ claim }) => claim.id)}::bigint[]) as id,
          unnest(${arrayOf(departures, ({ message }) => message.account)}::int[]) as account,
          unnest(${arrayOf(departures, ({ status }) => status)}::text[]) as status,
          unnest(${arrayOf(departures, ({ errorCode }) => errorCode)}::int[]) as error_code,
          unnest(${arrayOf(departures, ({ claim }) => claim.connector)}::text[]) as connector,
          ${instantColumn(sql, departures, ({ sentAt }) => sentAt)} as sent_at,
          unnest(${arrayOf(prices, (price) => price)}::bigint[]) as price_micros,
          jsonb_array_elements(${JSON.stringify(events)}::text::jsonb) as data
  `;
}

/** What is undefined is not in the event. */
function departureEvent(
  { claim, message, status, errorCode, waits, submissions }: Departure,
  priceMicros: number | undefined,
) {
  return {
    from: message.sender,
    to: message.recipient,
    segments: status === "sent" ? claim.segments : submissions.length,
    waits,
    priceMicros,
    callback: message.statusCallback ?? undefined,
    errorCode,
    sim: message.isSimulated || undefined,
    service: message.options?.service,
  };
}
