import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
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
      and lanes.lane not in (select unnest(${known as number[]}::int[]))
      and exists (
        select from queue
        where queue.shard = lanes.shard and queue.lane = lanes.lane
        offset 0
      )
    limit 100000
  `;
}

/** The next messages of one priority of a lane, after the last one that its window holds. */
export async function readLane(
  sql: Sql,
  from: { shard: number; lane: number; priority: Priority; afterId: MessageId; limit: number },
): Promise<QueuedRow[]> {
  return sql<QueuedRow[]>`
    select shard, lane, priority, id, attempt, segments, valid_until as "validUntil"
    from queue
    where shard = ${from.shard} and lane = ${from.lane} and priority = ${from.priority}
      and id > ${String(from.afterId)}::bigint
    order by id
    limit ${from.limit}
  `;
}

export type Claim = QueuedRow & { readonly connector: string; readonly epoch: bigint };

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
    )
    select id, error_code as "errorCode", account, sender, recipient, body,
      status_callback as "statusCallback", is_simulated as "isSimulated", when_unknown as "whenUnknown",
      options, connector as "onlyBy"
    from judged
    limit 1000
  `;
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

/** Records facts, whoever owns the shard by now; twice is the same as once. */
export async function recordDepartures(
  sql: Sql,
  departures: readonly Departure[],
  { stamp, priceOf }: { readonly stamp: Stamp; readonly priceOf: PriceOf },
): Promise<void> {
  const parts = departures.flatMap((departure) => departure.submissions);
  await sql`
    with submitted as (
      ${insertSubmissions(sql, parts)}
    ), item as materialized (
      select *
      from unnest(
        ${arrayOf(departures, ({ claim }) => claim.shard)}::smallint[],
        ${arrayOf(departures, ({ claim }) => claim.id)}::bigint[],
        ${arrayOf(departures, ({ claim }) => dayOf(claim.id))}::date[],
        ${arrayOf(departures, ({ message }) => message.account)}::int[],
        ${arrayOf(departures, ({ status }) => status)}::text[],
        ${arrayOf(departures, ({ errorCode }) => errorCode)}::int[],
        ${arrayOf(departures, ({ claim }) => claim.connector)}::text[],
        ${arrayOf(departures, ({ sentAt }) => sentAt.toISOString())}::timestamptz[],
        ${arrayOf(departures, priceOf)}::bigint[],
        ${arrayOf(departures, (departure) => JSON.stringify(departureEvent(departure)))}::jsonb[]
      ) as item(
        shard, id, day, account, status, error_code, connector, sent_at, price_micros, data
      )
    ), unclaimed as (
      delete from claims
      using item
      where claims.shard = any(array[item.shard]) and claims.id = any(array[item.id])
    ), fresh as materialized (
      select item.*
      from item
      where not exists (
        select from outcomes
        where shard = item.shard and id = item.id and day = item.day
        offset 0
      )
    ), settled as (
      insert into outcomes (
        shard, id, day, status, error_code, connector, price_micros, sent_at, updated_at
      )
      select shard, id, day, status, error_code, connector, price_micros,
        case when status = 'sent' then sent_at end, now()
      from fresh
      on conflict do nothing
    )
    insert into events (writer, seq, day, at, kind, account, id, data)
    select ${String(stamp.writer)}::bigint,
      ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
      current_date, now(), status, account, id, data
    from fresh
  `;
}

function departureEvent({ claim, message, status, errorCode, waits, submissions }: Departure) {
  return {
    from: message.sender,
    to: message.recipient,
    segments: status === "sent" ? claim.segments : submissions.length,
    waits,
    ...(message.statusCallback === null ? {} : { callback: message.statusCallback }),
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(message.isSimulated ? { sim: true } : {}),
    ...(message.options?.service === undefined ? {} : { service: message.options.service }),
  };
}

/** Who lives is waited for so long: it has yet to record what it claimed, or to give it back. */
const LIVE_OWNER_SECONDS = 30;

/**
 * Puts messages back whose claims nobody of this epoch made: their submission has no certain
 * answer. `resend` queues them again at their place; `hold` leaves them claimed for the operator.
 * Left alone are those that we have under way ourselves, since before we lost the shard and had it
 * again, and for a while those of another process that lives.
 */
export async function recoverClaims(
  sql: Sql,
  owned: readonly { readonly shard: number; readonly epoch: bigint }[],
  ours: { readonly owner: string; readonly underWay: readonly MessageId[] },
): Promise<QueuedRow[]> {
  return sql<QueuedRow[]>`
    with owned as materialized (
      select * from unnest(
        ${owned.map(({ shard }) => shard)}::smallint[],
        ${owned.map(({ epoch }) => String(epoch))}::bigint[]
      ) as owned(shard, epoch)
    ), doubtful as materialized (
      select claims.shard, claims.id, accounts.when_unknown
      from owned
      join claims on claims.shard = any(array[owned.shard])
      join messages on messages.shard = any(array[claims.shard])
        and messages.id = any(array[claims.id])
      join accounts on accounts.account = any(array[messages.account])
      where claims.epoch < owned.epoch and claims.held_because is null
        and claims.id <> all(${ours.underWay.map(String)}::bigint[])
        and (
          claims.owner = ${ours.owner}
          or claims.claimed_at < now() - make_interval(secs => ${LIVE_OWNER_SECONDS})
          or not exists (
            select from owners
            where owners.owner = claims.owner and owners.expires_at > now()
            offset 0
          )
        )
    ), held as (
      update claims
      set held_because = 'The answer of the carrier is not known.'
      from doubtful
      where claims.shard = any(array[doubtful.shard]) and claims.id = any(array[doubtful.id])
        and when_unknown = 'hold'
    ), returned as (
      delete from claims
      using doubtful
      where claims.shard = any(array[doubtful.shard]) and claims.id = any(array[doubtful.id])
        and when_unknown = 'resend'
      returning claims.*
    ), counted as (
      update lane_departures as lanes
      set departed = departed - back.segments
      from (
        select shard, lane, sum(segments) as segments from returned group by shard, lane
      ) as back
      where lanes.shard = any(array[back.shard]) and lanes.lane = any(array[back.lane])
    )
    insert into queue (shard, lane, priority, id, attempt, segments, valid_until, connector)
    select shard, lane, priority, id, attempt + 1, segments, valid_until, connector
    from returned
    returning shard, lane, priority, id, attempt, segments, valid_until as "validUntil"
  `;
}

/** Gives claims back whose bytes certainly never left: our own, after a lost answer to a claim. */
export async function returnClaims(
  sql: Sql,
  ids: readonly MessageId[],
  owner: string,
): Promise<void> {
  await sql`
    with returned as (
      delete from claims
      using unnest(${arrayOf(ids, shardOf)}::smallint[], ${arrayOf(ids, (one) => one)}::bigint[]) as item(shard, id)
      where claims.shard = any(array[item.shard]) and claims.id = any(array[item.id])
        and claims.owner = ${owner}
      returning claims.*
    ), counted as (
      update lane_departures as lanes
      set departed = departed - back.segments
      from (
        select shard, lane, sum(segments) as segments from returned group by shard, lane
      ) as back
      where lanes.shard = any(array[back.shard]) and lanes.lane = any(array[back.lane])
    )
    insert into queue (shard, lane, priority, id, attempt, segments, valid_until, connector)
    select shard, lane, priority, id, attempt, segments, valid_until,
      case when attempt > 1 then connector end
    from returned
  `;
}

/** The account chose to hold what it cannot be sure of: the operator decides. */
export async function holdClaim(sql: Sql, id: MessageId, because: string): Promise<void> {
  await sql`
    update claims
    set held_because = ${because}
    where shard = ${shardOf(id)} and id = ${String(id)}::bigint
  `;
}
