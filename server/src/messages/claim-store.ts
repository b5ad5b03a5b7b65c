import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, type MessageId } from "../lib/message-id.ts";
import type { DayCharge } from "../throughput/day-limits.ts";
import type { MessageOptions } from "./accept-store.ts";
import type { QueuedRow } from "./queue-store.ts";

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
