import type { Sql } from "../db/sql.ts";

export type Quota = {
  readonly key: string;
  readonly owner: string;
  readonly segmentsPerSecond: number;
};

/** Who uses these limits now, with the part that each may count on. */
export async function readQuotas(sql: Sql, keys: readonly string[]): Promise<Quota[]> {
  return sql<Quota[]>`
    select key, owner, segments_per_second as "segmentsPerSecond"
    from quotas
    where key = any(${keys as string[]}::text[]) and owner is not null
    limit 100000
  `;
}

export type QuotaChange = { readonly key: string; readonly segmentsPerSecond: number };

/** To be called a limiter's window after less is used. */
export async function lowerQuotas(
  sql: Sql,
  owner: string,
  changes: readonly QuotaChange[],
): Promise<void> {
  await sql`
    update quotas
    set segments_per_second = change.segments
    from unnest(
      ${changes.map(({ key }) => key)}::text[],
      ${changes.map((change) => change.segmentsPerSecond)}::int[]
    ) as change(key, segments)
    where quotas.key = change.key and owner = ${owner}
  `;
}

/** To be called a limiter's window after the last use. */
export async function deleteQuotas(
  sql: Sql,
  owner: string,
  keys: readonly string[],
): Promise<void> {
  await sql`
    delete from quotas
    where owner = ${owner} and key = any(${keys as string[]}::text[])
  `;
}

/**
 * Raises our part as far as the others leave room under the limit, one process at a time. Tells
 * what it is now.
 */
export async function raiseQuotas(
  sql: Sql,
  owner: string,
  changes: readonly (QuotaChange & { readonly limit: number; readonly windowMs: number })[],
): Promise<QuotaChange[]> {
  return sql.begin(async (tx) => {
    await tx`lock table quotas in share row exclusive mode`;
    return tx<QuotaChange[]>`
      with forgotten as (
        delete from quotas
        where free_at <= now()
      )
      insert into quotas (key, owner, segments_per_second, window_ms)
      select change.key, ${owner}, greatest(0, least(change.segments, change.most - others.segments)),
        window_ms
      from unnest(
        ${changes.map(({ key }) => key)}::text[],
        ${changes.map((change) => change.segmentsPerSecond)}::int[],
        ${changes.map(({ limit }) => limit)}::int[],
        ${changes.map(({ windowMs }) => Math.ceil(windowMs))}::int[]
      ) as change(key, segments, most, window_ms)
      cross join lateral (
        select coalesce(sum(segments_per_second), 0)::int as segments
        from quotas
        where quotas.key = change.key and owner is distinct from ${owner}
          and (free_at is null or free_at > now())
      ) as others
      on conflict (key, owner) do update
      set segments_per_second = greatest(quotas.segments_per_second, excluded.segments_per_second),
        window_ms = excluded.window_ms
      returning key, segments_per_second as "segmentsPerSecond"
    `;
  });
}
