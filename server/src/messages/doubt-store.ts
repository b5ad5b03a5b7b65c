import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import { type MessageId, shardOf } from "../lib/message-id.ts";
import type { QueuedRow } from "./queue-store.ts";

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
      join lanes on lanes.shard = any(array[claims.shard]) and lanes.lane = any(array[claims.lane])
      join accounts on accounts.account = any(array[lanes.account])
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

/** Claims of ours that have been open for long, in shards of ours. */
export async function findOldClaims(
  sql: Sql,
  ours: { owner: string; shards: readonly number[]; ageSeconds: number },
): Promise<MessageId[]> {
  const rows = await sql<{ id: MessageId }[]>`
    select id
    from claims
    where shard = any(${ours.shards as number[]}::smallint[]) and owner = ${ours.owner}
      and held_because is null and claimed_at < now() - make_interval(secs => ${ours.ageSeconds})
    limit 10000
  `;
  return rows.map(({ id }) => id);
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
