import type { Sql } from "../db/sql.ts";

export type LeaseRow = {
  readonly number: number;
  readonly epoch: bigint;
  /** Milliseconds since the last owner's right ended; a large number when there was none. */
  readonly lapsedMs: number;
};

/** Renews what we hold and takes what nobody holds, for `ttlMs` on the database's clock. */
export async function renewLeases(
  sql: Sql,
  lease: { kind: string; count: number; owner: string; ttlMs: number },
): Promise<LeaseRow[]> {
  const ttl = `${lease.ttlMs} milliseconds`;
  return sql<LeaseRow[]>`
    with free as (
      select slot.number, leases.owner, leases.epoch, leases.expires_at
      from generate_series(0, ${lease.count - 1}) as slot(number)
      left join leases on leases.kind = ${lease.kind} and leases.number = slot.number
      where leases.owner is null or leases.owner = ${lease.owner} or leases.expires_at < now()
    )
    insert into leases as held (kind, number, owner, epoch, expires_at)
    select ${lease.kind}, number, ${lease.owner}, 1, now() + ${ttl}::interval
    from free
    order by number
    on conflict (kind, number) do update
    set owner = excluded.owner,
        epoch = held.epoch + case when held.owner = excluded.owner then 0 else 1 end,
        expires_at = excluded.expires_at
    where held.owner = excluded.owner or held.expires_at < now()
    returning number, epoch, coalesce((
      select extract(epoch from now() - free.expires_at) * 1000
      from free where free.number = held.number
    ), 1e12)::float8 as "lapsedMs"
  `;
}

/** Takes one free number of a kind; nothing when all are held. */
export async function takeOneLease(
  sql: Sql,
  lease: { kind: string; count: number; owner: string; ttlMs: number },
): Promise<number | undefined> {
  const ttl = `${lease.ttlMs} milliseconds`;
  const [row] = await sql<{ number: number }[]>`
    insert into leases as held (kind, number, owner, epoch, expires_at)
    select ${lease.kind}, slot.number, ${lease.owner}, 1, now() + ${ttl}::interval
    from generate_series(0, ${lease.count - 1}) as slot(number)
    where not exists (
      select from leases
      where kind = ${lease.kind} and leases.number = slot.number and expires_at >= now()
    )
    order by slot.number
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

/** Gives everything back at once: the next owner need not wait for the end. */
export async function releaseLeases(sql: Sql, owner: string): Promise<void> {
  await sql`
    update leases
    set expires_at = now() - interval '1 millisecond'
    where owner = ${owner} and expires_at > now()
  `;
}
