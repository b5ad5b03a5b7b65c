import type { Sql } from "../db/sql.ts";

/** A process's share of a limit's day. */
export type DayShareKey = { readonly key: string; readonly day: string; readonly owner: string };

/**
 * Takes more of a day for a process, and tells how much: at most `block`, and nothing when less than
 * `need` is left. What processes that have ended did not use is free again. `kept`: of our own share
 * we know no more than this, beside what is counted.
 */
export async function takeDayShare(
  sql: Sql,
  { key, day, owner }: DayShareKey,
  of: { most: number; need: number; block: number; kept: number | undefined },
): Promise<number> {
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended(${key}, ${DAY_SHARES_LOCK}))`;
    await tx`
      update day_shares
      set granted = least(granted, used + case when owner = ${owner} then ${of.kept ?? 0}::int else 0 end)
      where key = ${key} and day = ${day} and case
        when owner = ${owner} then ${of.kept !== undefined}
        else not exists (
          select from owners
          where owners.owner = day_shares.owner and expires_at > now()
        )
      end
    `;
    const [row] = await tx<{ added: number }[]>`
      with room as (
        select ${of.most}::int - coalesce(sum(granted), 0)::int as segments
        from day_shares
        where key = ${key} and day = ${day}
      ), added as (
        select case when segments >= ${of.need}::int then least(segments, ${of.block}::int) else 0 end
          as segments
        from room
      )
      insert into day_shares (key, day, owner, granted)
      select ${key}, ${day}, ${owner}, segments
      from added
      on conflict (key, day, owner) do update
      set granted = day_shares.granted + excluded.granted
      returning (select segments from added) as added
    `;
    return row?.added ?? 0;
  });
}

/** Any number that no other lock of a text uses. */
const DAY_SHARES_LOCK = 7_245_204;

/** Gives up what a process holds of a day, beside what is counted and what it may yet count. */
export async function returnDayShare(
  sql: Sql,
  { key, day, owner }: DayShareKey,
  kept: number,
): Promise<void> {
  await sql`
    update day_shares
    set granted = least(granted, used + ${kept}::int)
    where key = ${key} and day = ${day} and owner = ${owner}
  `;
}

/** What was counted did not leave; it stays this process's to use. */
export async function uncountSegments(
  sql: Sql,
  { key, day, owner }: DayShareKey,
  segments: number,
): Promise<void> {
  await sql`
    update day_shares
    set used = greatest(0, used - ${segments}::int)
    where key = ${key} and day = ${day} and owner = ${owner}
  `;
}

/** What all processes have counted of a day, by what is limited. */
export async function readDayUsed(
  sql: Sql,
  {
    kind,
    of,
    day,
  }: { readonly kind: string; readonly of: readonly string[]; readonly day: string },
): Promise<Map<string, number>> {
  if (of.length === 0) return new Map();
  const rows = await sql<{ of: string; used: number }[]>`
    select item.of, sum(used)::int as used
    from unnest(${of as string[]}::text[]) as item(of)
    join day_shares on key = ${kind} || ' ' || item.of and day = ${day}
    group by item.of
  `;
  return new Map(rows.map((row) => [row.of, row.used]));
}

export async function deleteDaySharesBefore(sql: Sql, day: string): Promise<void> {
  await sql`
    delete from day_shares
    where day < ${day}
  `;
}
