import type { Sql } from "../db/sql.ts";

/** What a heartbeat learns: the configuration's version, the processes and the shards. */
export type Beat = {
  readonly version: bigint;
  /** Processes whose heartbeat lives, we among them. */
  readonly live: number;
  /** Processes whose heartbeat has expired. */
  readonly ended: number;
  /** Shards that name us. */
  readonly owned: number;
  readonly free: number;
};

/** Nothing when our row is gone: then what we held may be another's. */
export async function renewOwner(
  sql: Sql,
  heartbeat: { owner: string; ttlMs: number },
): Promise<Beat | undefined> {
  const [beat] = await sql<Beat[]>`
    with renewed as (
      update owners
      set expires_at = now() + ${`${heartbeat.ttlMs} milliseconds`}::interval
      where owner = ${heartbeat.owner}
      returning owner
    )
    select configuration.version, others.live + 1 as live, others.ended, part.owned, part.free
    from renewed
    cross join configuration
    cross join (
      select (count(*) filter (where expires_at >= now()))::int as live,
        (count(*) filter (where expires_at < now()))::int as ended
      from owners
      where owner <> ${heartbeat.owner}
    ) as others
    cross join (
      select (count(*) filter (where owner = ${heartbeat.owner}))::int as owned,
        (count(*) filter (where owner is null))::int as free
      from shards
    ) as part
  `;
  return beat;
}

export async function insertOwner(
  sql: Sql,
  heartbeat: { owner: string; ttlMs: number },
): Promise<void> {
  await sql`
    insert into owners (owner, expires_at)
    values (${heartbeat.owner}, now() + ${`${heartbeat.ttlMs} milliseconds`}::interval)
    on conflict do nothing
  `;
}

/**
 * Frees what an owner held, or all owners whose heartbeat has expired. A row that is being renewed
 * at this moment is left alone: its owner lives. Quotas are locked first, here as everywhere.
 */
export async function endOwners(sql: Sql, owner?: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`lock table quotas in share row exclusive mode`;
    const rows = await tx<{ owner: string }[]>`
      select owner
      from owners
      where ${owner === undefined ? tx`expires_at < now()` : tx`owner = ${owner}`}
      for update skip locked
    `;
    const ended = rows.map((row) => row.owner);
    await tx`
      update shards
      set owner = null, freed_at = least(expires_at, now())
      from owners
      where shards.owner = owners.owner and owners.owner = any(${ended}::text[])
    `;
    await tx`
      update quotas
      set owner = null, free_at = least(expires_at, now()) + (window_ms + ${QUOTA_KEPT_MS}) * interval '1 millisecond'
      from owners
      where quotas.owner = owners.owner and owners.owner = any(${ended}::text[])
    `;
    await tx`
      delete from owners
      where owner = any(${ended}::text[])
    `;
  });
}

/** So long after its limiter's window a part counts, when its owner has ended. */
const QUOTA_KEPT_MS = 1_000;

export type ShardRow = {
  readonly shard: number;
  readonly epoch: bigint;
  /** Milliseconds since the last owner's right ended; a large number when there was none. */
  readonly lapsedMs: number;
};

/** Takes at most `count` free shards; none when the owner's heartbeat came too late and its row is gone. */
export async function takeShards(
  sql: Sql,
  to: { owner: string; count: number },
): Promise<ShardRow[]> {
  return sql<ShardRow[]>`
    with living as (
      select owner
      from owners
      where owner = ${to.owner}
      for key share
    ), free as (
      select shard, freed_at
      from shards
      where owner is null
      order by shard
      limit ${to.count}
      for update skip locked
    )
    update shards
    set owner = living.owner, epoch = epoch + 1, freed_at = null
    from free, living
    where shards.shard = free.shard
    returning shards.shard, shards.epoch,
      coalesce(extract(epoch from now() - free.freed_at) * 1000, 1e12)::float8 as "lapsedMs"
  `;
}

/** Frees the shards that name us, except `kept`. */
export async function freeShards(sql: Sql, owner: string, kept: readonly number[]): Promise<void> {
  await sql`
    update shards
    set owner = null, freed_at = now()
    where owner = ${owner} and shard <> all(${kept as number[]}::smallint[])
  `;
}

/**
 * Takes one free number of a kind, the one that has been free for longest; nothing when all are held.
 * So a writer slot is not another machine's the moment after, whose clock may be behind.
 */
export async function takeOneLease(
  sql: Sql,
  lease: { kind: string; count: number; owner: string; ttlMs: number },
): Promise<number | undefined> {
  const ttl = `${lease.ttlMs} milliseconds`;
  const [row] = await sql<{ number: number }[]>`
    insert into leases as held (kind, number, owner, epoch, expires_at)
    select ${lease.kind}, slot.number, ${lease.owner}, 1, now() + ${ttl}::interval
    from generate_series(0, ${lease.count - 1}) as slot(number)
    left join leases on leases.kind = ${lease.kind} and leases.number = slot.number
    where leases.number is null or leases.expires_at < now()
    order by leases.expires_at nulls first, slot.number
    limit 1
    on conflict (kind, number) do update
    set owner = excluded.owner, epoch = held.epoch + 1, expires_at = excluded.expires_at
    where held.expires_at < now()
    returning number
  `;
  return row?.number;
}

/** Extends one number; false when somebody else holds it meanwhile. */
export async function extendLease(
  sql: Sql,
  lease: { kind: string; number: number; owner: string; ttlMs: number },
): Promise<boolean> {
  const rows = await sql`
    update leases
    set expires_at = now() + ${`${lease.ttlMs} milliseconds`}::interval
    where kind = ${lease.kind} and number = ${lease.number} and owner = ${lease.owner}
    returning number
  `;
  return rows.length === 1;
}

/** Gives numbers back at once: the next process need not wait for the end. */
export async function releaseLeases(sql: Sql, owner: string): Promise<void> {
  await sql`
    update leases
    set expires_at = now() - interval '1 millisecond'
    where owner = ${owner} and expires_at > now()
  `;
}
