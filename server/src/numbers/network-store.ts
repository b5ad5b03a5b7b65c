import type { Sql } from "../db/sql.ts";

/** Numbers that begin alike and are in one network. A whole number is a range, too: one that was ported. */
export type NumberRange = {
  /** With its plus. */
  readonly prefix: string;
  /** MCC and MNC. */
  readonly network: string;
  readonly name: string;
};

/** Held in memory by every process: some 30 MB. */
export const NUMBER_RANGES_MAX = 200_000;

export async function readNumberRanges(sql: Sql): Promise<NumberRange[]> {
  return sql<NumberRange[]>`
    select prefix, network, name
    from number_ranges
    limit ${NUMBER_RANGES_MAX}
  `;
}

/** Another one whenever the ranges are others. */
export async function readRangesVersion(sql: Sql): Promise<string> {
  const [row] = await sql<{ version: string }[]>`
    select count(*) || ' ' || coalesce(sum(change), 0) as version
    from number_ranges
  `;
  return row?.version ?? "";
}

export async function listNumberRanges(
  sql: Sql,
  page: { readonly network?: string | undefined; readonly after: string; readonly limit: number },
): Promise<NumberRange[]> {
  return sql<NumberRange[]>`
    select prefix, network, name
    from number_ranges
    where prefix > ${page.after}
      ${page.network === undefined ? sql`` : sql`and network = ${page.network}`}
    order by prefix
    limit ${page.limit}
  `;
}

/**
 * Adds ranges, or puts them in the place of all. A prefix that is there already is replaced. How many
 * there are now; where that is more than may be, nothing is stored.
 */
export async function storeNumberRanges(
  sql: Sql,
  ranges: readonly NumberRange[],
  { isAll }: { readonly isAll: boolean },
): Promise<{ readonly count: number; readonly isTooMany: boolean }> {
  const unique = [...new Map(ranges.map((range) => [range.prefix, range])).values()];
  let count = 0;
  try {
    await sql.begin(async (transaction) => {
      const held = transaction as unknown as Sql;
      await held`lock table number_ranges in share row exclusive mode`;
      if (isAll) await held`delete from number_ranges`;
      await held`
        insert into number_ranges (prefix, network, name)
        select prefix, network, name
        from unnest(
          ${unique.map(({ prefix }) => prefix)}::text[],
          ${unique.map(({ network }) => network)}::text[],
          ${unique.map(({ name }) => name)}::text[]
        ) as item(prefix, network, name)
        on conflict (prefix) do update
        set network = excluded.network, name = excluded.name, change = default
      `;
      const [row] = await held<{ count: number }[]>`
        select count(*)::int as count
        from number_ranges
      `;
      count = row?.count ?? 0;
      if (count > NUMBER_RANGES_MAX) throw new TooMany();
    });
  } catch (error) {
    if (error instanceof TooMany) return { count, isTooMany: true };
    throw error;
  }
  return { count, isTooMany: false };
}

/** Undoes the transaction. */
class TooMany extends Error {}

/** Whether there was one. */
export async function deleteNumberRange(sql: Sql, prefix: string): Promise<boolean> {
  const result = await sql`
    delete from number_ranges
    where prefix = ${prefix}
  `;
  return result.count > 0;
}
