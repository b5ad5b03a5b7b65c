import { moveIn } from "../db/home.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";

/** A message that nobody sends until somebody decides: its carrier may have it already. */
export type HeldMessage = {
  readonly id: MessageId;
  readonly account: number;
  readonly sender: string;
  readonly recipient: string;
  readonly segments: number;
  readonly because: string;
  readonly heldSince: Date;
  readonly validUntil: Date;
};

/** Accounts whose messages are meant; nothing: all. */
export type HeldScope = { readonly accounts: readonly number[] | undefined };

const RESTORED =
  "The database was restored from a backup, and it may have been sent after that backup was made.";

/**
 * Holds everything that waits to be sent when the database is a restored backup; tells how many
 * messages these are. Texts from phones that wait for their webhook are told of, but their TwiML is
 * not run: it may have been before.
 */
export async function holdAfterRestore(direct: Sql): Promise<number> {
  return await direct.begin(async (transaction) => {
    if ((await moveIn(transaction as unknown as Sql)) !== "restored") return 0;
    await transaction`update retries set kind = 'replay' where kind = 'inbound'`;
    const inFlight = await transaction`
      update claims
      set held_because = ${RESTORED}
      where held_because is null
    `;
    const [waiting] = await transaction<{ count: number }[]>`
      with queued as (
        delete from queue returning *
      ), postponed as (
        delete from later returning *
      ), held as (
        insert into claims (shard, id, lane, priority, attempt, segments, valid_until, due_at, due_why,
          connector, owner, epoch, claimed_at, held_because)
        select *, '', '', 0, now(), ${RESTORED}
        from (
          select shard, id, lane, priority, attempt, segments, valid_until,
            null::timestamptz as due_at, null as due_why
          from queued
          union all
          select shard, id, lane, priority, attempt, segments, valid_until, due_at, why
          from postponed
        ) as waiting
        returning shard, lane, segments
      ), counted as (
        update lane_departures as lanes
        set departed = departed + gone.segments
        from (
          select shard, lane, sum(segments) as segments from held group by shard, lane
        ) as gone
        where lanes.shard = gone.shard and lanes.lane = gone.lane
      )
      select count(*)::int as count
      from held
    `;
    return inFlight.count + (waiting?.count ?? 0);
  });
}

/** A page by shard and id. */
export async function listHeld(
  sql: Sql,
  scope: HeldScope,
  page: { readonly after: MessageId | undefined; readonly limit: number },
): Promise<HeldMessage[]> {
  const claims = await sql<{ id: MessageId; because: string; heldSince: Date; validUntil: Date }[]>`
    select claims.id, held_because as because, claimed_at as "heldSince", valid_until as "validUntil"
    from claims
    join lanes on lanes.shard = any(array[claims.shard]) and lanes.lane = any(array[claims.lane])
    where held_because is not null
      ${within(sql, scope)}
      ${page.after === undefined ? sql`` : sql`and (claims.shard, claims.id) > (${shardOf(page.after)}, ${String(page.after)}::bigint)`}
    order by claims.shard, claims.id
    limit ${page.limit}
  `;
  const messages = await sql<Omit<HeldMessage, "because" | "heldSince" | "validUntil">[]>`
    select messages.id, account, sender, recipient, messages.segments
    from unnest(
      ${claims.map(({ id }) => shardOf(id))}::smallint[], ${claims.map(({ id }) => String(id))}::bigint[],
      ${claims.map(({ id }) => dayOf(id))}::text[]::date[]
    ) as wanted(shard, id, day)
    join messages on messages.shard = any(array[wanted.shard])
      and messages.id = any(array[wanted.id]) and messages.day = any(array[wanted.day])
    limit ${page.limit}
  `;
  const byId = new Map(messages.map((message) => [message.id, message]));
  return claims.flatMap((claim) => {
    const message = byId.get(claim.id);
    return message === undefined ? [] : [{ ...message, ...claim }];
  });
}

/** Puts held messages back at their place in their lanes, to be sent (again); gives their ids. */
export async function releaseHeld(
  sql: Sql,
  scope: HeldScope,
  ids: readonly MessageId[],
  stamp: Stamp,
): Promise<MessageId[]> {
  const rows = await sql<{ id: MessageId }[]>`
    with ${takenHeld(sql, scope, ids)}, counted as (
      update lane_departures as lanes
      set departed = departed - back.segments
      from (
        select shard, lane, sum(segments) as segments from taken group by shard, lane
      ) as back
      where lanes.shard = any(array[back.shard]) and lanes.lane = any(array[back.lane])
    ), queued as (
      insert into queue (shard, lane, priority, id, attempt, segments, valid_until, connector)
      select shard, lane, priority, id, attempt + 1, segments, valid_until, nullif(connector, '')
      from taken
      where due_at is null or due_at <= now()
    ), postponed as (
      insert into later (shard, due_at, id, why, lane, priority, attempt, segments, valid_until,
        connector)
      select shard, due_at, id, due_why, lane, priority, attempt + 1, segments, valid_until,
        nullif(connector, '')
      from taken
      where due_at > now()
    ), logged as (
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${String(stamp.writer)}::bigint,
        ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
        current_date, now(), 'released', account, id, '{}'
      from taken
    )
    select id from taken limit ${ids.length}
  `;
  return rows.map(({ id }) => id);
}

/** Fails held messages with 30036: what they were for is over. Gives their ids. */
export async function expireHeld(
  sql: Sql,
  scope: HeldScope,
  ids: readonly MessageId[],
  stamp: Stamp,
): Promise<MessageId[]> {
  const rows = await sql<{ id: MessageId }[]>`
    with ${takenHeld(sql, scope, ids)}, failed as (
      insert into outcomes (shard, id, day, status, error_code, updated_at)
      select shard, id, day, 'failed', 30036, now()
      from taken
      on conflict do nothing
    ), logged as (
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${String(stamp.writer)}::bigint,
        ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
        current_date, now(), 'failed', taken.account, taken.id, jsonb_strip_nulls(jsonb_build_object(
          'from', messages.sender, 'to', messages.recipient, 'callback', messages.status_callback,
          'errorCode', 30036))
      from taken
      join messages on messages.shard = any(array[taken.shard])
        and messages.id = any(array[taken.id]) and messages.day = any(array[taken.day])
    )
    select id from taken limit ${ids.length}
  `;
  return rows.map(({ id }) => id);
}

/** Takes the claims of held messages away: `taken` is theirs, with account and day. */
function takenHeld(sql: Sql, scope: HeldScope, ids: readonly MessageId[]) {
  return sql`taken as (
    delete from claims
    using lanes, unnest(
      ${ids.map(shardOf)}::smallint[], ${ids.map(String)}::bigint[], ${ids.map(dayOf)}::text[]::date[]
    ) as wanted(shard, id, day)
    where claims.shard = any(array[wanted.shard]) and claims.id = any(array[wanted.id])
      and held_because is not null
      and lanes.shard = any(array[claims.shard]) and lanes.lane = any(array[claims.lane])
      ${within(sql, scope)}
    returning claims.*, lanes.account, wanted.day
  )`;
}

function within(sql: Sql, { accounts }: HeldScope) {
  return accounts === undefined ? sql`` : sql`and lanes.account = any(${[...accounts]}::int[])`;
}
