import type { Sql } from "../db/sql.ts";
import type { SpendCap } from "./cap.ts";

const CAPS_MAX = 100_000;

export async function readCaps(sql: Sql): Promise<SpendCap[]> {
  return sql<SpendCap[]>`
    select ${columns(sql)}
    from spend_caps
    limit ${CAPS_MAX}
  `;
}

/** An account's caps with what is taken of them today. */
export async function listCaps(
  sql: Sql,
  { account, day }: { readonly account: number; readonly day: string },
): Promise<(SpendCap & { readonly takenMicros: number })[]> {
  return sql<(SpendCap & { takenMicros: number })[]>`
    select ${columns(sql)}, coalesce((
        select taken_micros
        from spend_days
        where spend_days.account = spend_caps.account
          and spend_days.country = spend_caps.country and day = ${day}
      ), 0)::float8 as "takenMicros"
    from spend_caps
    where account = ${account}
    order by country
    limit 300
  `;
}

export async function upsertCap(sql: Sql, cap: SpendCap, at: Date): Promise<void> {
  await sql`
    insert into spend_caps (account, country, daily_micros, over, updated_at)
    values (${cap.account}, ${cap.country}, ${String(cap.dailyMicros)}::bigint, ${cap.over}, ${at})
    on conflict (account, country) do update
    set daily_micros = excluded.daily_micros, over = excluded.over,
      updated_at = excluded.updated_at
  `;
}

/** Whether there was one. */
export async function deleteCap(
  sql: Sql,
  { account, country }: { readonly account: number; readonly country: string },
): Promise<boolean> {
  const result = await sql`
    delete from spend_caps
    where account = ${account}
      and country = ${country}
  `;
  return result.count > 0;
}

/**
 * Takes a block of a cap's day for this process, less when less is left; nothing when that would not
 * pay for `need`. One row, locked: however many processes ask, together they never get more.
 */
export async function takeBlock(
  sql: Sql,
  cap: SpendCap,
  of: { readonly day: string; readonly need: number; readonly block: number },
): Promise<number> {
  await sql`
    insert into spend_days (account, country, day, taken_micros)
    values (${cap.account}, ${cap.country}, ${of.day}, 0)
    on conflict do nothing
  `;
  const [row] = await sql<{ taken: number }[]>`
    with held as materialized (
      select account, country, day, taken_micros
      from spend_days
      where account = ${cap.account} and country = ${cap.country} and day = ${of.day}
      for update
    )
    update spend_days
    set taken_micros = held.taken_micros
      + least(${String(of.block)}::bigint, ${String(cap.dailyMicros)}::bigint - held.taken_micros)
    from held
    where spend_days.account = held.account and spend_days.country = held.country
      and spend_days.day = held.day
      and ${String(cap.dailyMicros)}::bigint - held.taken_micros >= ${String(of.need)}::bigint
    returning (spend_days.taken_micros - held.taken_micros)::float8 as taken
  `;
  return row?.taken ?? 0;
}

/** Gives back what a process did not spend of its block. */
export async function returnBlock(
  sql: Sql,
  cap: SpendCap,
  of: { readonly day: string; readonly micros: number },
): Promise<void> {
  await sql`
    update spend_days
    set taken_micros = taken_micros - ${String(of.micros)}::bigint
    where account = ${cap.account} and country = ${cap.country} and day = ${of.day}
  `;
}

export async function deleteSpendDaysBefore(sql: Sql, day: string): Promise<void> {
  await sql`
    delete from spend_days
    where day < ${day}
  `;
}

function columns(sql: Sql) {
  return sql`account, country, daily_micros::float8 as "dailyMicros", over`;
}
