import type { Sql } from "../db/sql.ts";
import { advanceCursors, unreadEvents } from "../events/store.ts";
import type { Usage } from "./category.ts";

/** The reader of the event log. */
export const USAGE_READER = "usage";

/**
 * Adds up to `limit` events to the days' sums, each exactly once: the sums and the cursors are one
 * statement. Tells how many; none while another process is at it.
 */
export async function countEvents(sql: Sql, limit: number): Promise<number> {
  return await sql.begin(async (transaction) => {
    const locked = await transaction`
      select
      from usage_progress
      for update skip locked
    `;
    if (locked.length === 0) return 0;
    const [row] = await transaction<{ count: number }[]>`
      with unread as materialized (
        ${unreadEvents(sql, USAGE_READER, { afterWriter: 0n, limit })}
      ), text as (
        select account,
          coalesce((data ->> 'sentOn')::date, (at at time zone 'UTC')::date) as day,
          case when kind = 'received' then 'inbound' else 'outbound' end as direction,
          case when data ->> (case when kind = 'received' then 'to' else 'from' end) ~ '^[0-9]+$'
            then 'shortcode' else 'longcode' end as sender,
          (kind <> 'priced')::int as messages,
          case when kind = 'priced' then 0 else coalesce((data ->> 'segments')::int, 1) end as segments,
          coalesce((data ->> 'priceMicros')::bigint, 0) as price_micros
        from unread
        where kind in ('sent', 'received', 'priced') or (kind = 'failed' and data ? 'priceMicros')
      ), added as (
        insert into usage_days (account, day, direction, sender, messages, segments, price_micros)
        select account, day, direction, sender, sum(messages), sum(segments), sum(price_micros)
        from text
        group by account, day, direction, sender
        on conflict (account, day, direction, sender) do update
        set messages = usage_days.messages + excluded.messages,
          segments = usage_days.segments + excluded.segments,
          price_micros = usage_days.price_micros + excluded.price_micros
      ), read as (
        ${advanceCursors(sql, USAGE_READER)}
      )
      select count(*)::int as count
      from unread
    `;
    const count = row?.count ?? 0;
    if (count < limit) await transaction`update usage_progress set counted_until = now()`;
    return count;
  });
}

/** Until when everything is counted. */
export async function readCountedUntil(sql: Sql): Promise<Date | undefined> {
  const [row] = await sql<{ at: Date }[]>`
    select counted_until as at
    from usage_progress
  `;
  return row?.at;
}

export type Period = "day" | "month" | "year" | "all";

/** A hundred years of days, each with every kind. */
const ROWS_MAX = 150_000;

/** What accounts used in days from `from` to `until`, by period; its first day names one. */
export async function readUsage(
  sql: Sql,
  of: {
    readonly accounts: readonly number[];
    readonly from: string;
    readonly until: string;
    readonly period: Period;
  },
): Promise<(Usage & { readonly start: string })[]> {
  const start =
    of.period === "all"
      ? sql`${of.from}::date`
      : sql`greatest(date_trunc(${of.period}, day::timestamp)::date, ${of.from}::date)`;
  return sql<(Usage & { start: string })[]>`
    select (${start})::text as start, direction, sender, sum(messages)::bigint as messages,
      sum(segments)::bigint as segments, sum(price_micros)::bigint as "priceMicros"
    from usage_days
    where account = any(${of.accounts.map(String)}::int[])
      and day between ${of.from}::date and ${of.until}::date
    group by 1, direction, sender
    limit ${ROWS_MAX}
  `;
}
