import type { Sql } from "../db/sql.ts";

/** Held in memory by every process. */
const ACCOUNTS_MAX = 100_000;
const ROWS_MAX = 1_000_000;

export type GeoPermission = { readonly country: string; readonly isEnabled: boolean };

/** What becomes of a marketing text in quiet hours. */
export type QuietHoursMode = "defer" | "refuse";

type Family = {
  readonly account: number;
  readonly parent: number | null;
  readonly quietHours: QuietHoursMode;
};

/** Every account with its parent; parents first. */
export async function readFamilies(sql: Sql): Promise<Family[]> {
  return sql<Family[]>`
    select account, parent, quiet_hours as "quietHours"
    from accounts
    order by parent nulls first, account
    limit ${ACCOUNTS_MAX}
  `;
}

/** The countries of the numbers that accounts hold. */
export async function readHomeCountries(sql: Sql): Promise<Map<number, string[]>> {
  const rows = await sql<{ account: number; countries: string[] }[]>`
    select account, array_agg(distinct country) as countries
    from inventory
    where account is not null
    group by account
    limit ${ACCOUNTS_MAX}
  `;
  return new Map(rows.map((row) => [row.account, row.countries]));
}

export async function readGeoPermissions(sql: Sql): Promise<Map<number, GeoPermission[]>> {
  const rows = await sql<({ account: number } & GeoPermission)[]>`
    select account, country, is_enabled as "isEnabled"
    from geo_permissions
    limit ${ROWS_MAX}
  `;
  return groupByAccount(rows, ({ country, isEnabled }) => ({ country, isEnabled }));
}

export async function readSafeLists(sql: Sql): Promise<Map<number, string[]>> {
  const rows = await sql<{ account: number; prefix: string }[]>`
    select account, prefix
    from safe_list
    limit ${ROWS_MAX}
  `;
  return groupByAccount(rows, ({ prefix }) => prefix);
}

export async function upsertGeoPermissions(
  sql: Sql,
  account: number,
  permissions: readonly GeoPermission[],
  at: Date,
): Promise<void> {
  // The last word on a country counts; in order, so that two changes never deadlock.
  const unique = [...new Map(permissions.map((one) => [one.country, one])).values()];
  await sql`
    insert into geo_permissions (account, country, is_enabled, updated_at)
    select ${account}, country, is_enabled, ${at}
    from unnest(
      ${unique.map(({ country }) => country)}::text[],
      ${unique.map(({ isEnabled }) => String(isEnabled))}::text[]::boolean[]
    ) as item(country, is_enabled)
    order by country
    on conflict (account, country) do update
    set is_enabled = excluded.is_enabled, updated_at = excluded.updated_at
  `;
}

export async function updateQuietHours(
  sql: Sql,
  { account, mode }: { readonly account: number; readonly mode: QuietHoursMode },
  at: Date,
): Promise<void> {
  await sql`
    update accounts
    set quiet_hours = ${mode}, updated_at = ${at}
    where account = ${account}
  `;
}

export type SafeNumber = { readonly sid: string; readonly prefix: string };

/** Nothing when it is there already. */
export async function insertSafeNumber(
  sql: Sql,
  safe: SafeNumber & { readonly account: number },
  at: Date,
): Promise<SafeNumber | undefined> {
  const [row] = await sql<SafeNumber[]>`
    insert into safe_list (account, prefix, sid, created_at)
    values (${safe.account}, ${safe.prefix}, ${safe.sid}, ${at})
    on conflict (account, prefix) do nothing
    returning sid, prefix
  `;
  return row;
}

export async function findSafeNumber(
  sql: Sql,
  key: { readonly account: number; readonly prefix: string },
): Promise<SafeNumber | undefined> {
  const [row] = await sql<SafeNumber[]>`
    select sid, prefix
    from safe_list
    where account = ${key.account}
      and prefix = ${key.prefix}
  `;
  return row;
}

/** Whether it was there. */
export async function deleteSafeNumber(
  sql: Sql,
  key: { readonly account: number; readonly prefix: string },
): Promise<boolean> {
  const result = await sql`
    delete from safe_list
    where account = ${key.account}
      and prefix = ${key.prefix}
  `;
  return result.count > 0;
}

function groupByAccount<Row extends { readonly account: number }, Item>(
  rows: readonly Row[],
  itemOf: (row: Row) => Item,
): Map<number, Item[]> {
  const groups = new Map<number, Item[]>();
  for (const row of rows) {
    const group = groups.get(row.account);
    if (group === undefined) groups.set(row.account, [itemOf(row)]);
    else group.push(itemOf(row));
  }
  return groups;
}
