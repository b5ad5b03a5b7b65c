import type { Sql } from "../db/sql.ts";
import type { Price } from "./price.ts";

/** Held in memory by every process: some 50 MB. */
const PRICES_MAX = 200_000;

export type StoredPrice = Price & { readonly id: number };

export async function readPrices(sql: Sql): Promise<Price[]> {
  return sql<Price[]>`
    select ${columns(sql)}
    from prices
    limit ${PRICES_MAX}
  `;
}

/** A line for the same connector, country, carrier and instant replaces the one that is there. */
export async function upsertPrices(sql: Sql, prices: readonly Price[]): Promise<void> {
  // The last line of a place and instant counts; in order, so that two imports never deadlock.
  const keyOf = (one: Price) =>
    `${one.connector} ${one.country} ${one.carrier} ${one.validFrom.getTime()}`;
  const unique = [...new Map(prices.map((one) => [keyOf(one), one])).values()];
  await sql`
    insert into prices (connector, country, carrier, valid_from, micros)
    select connector, country, carrier, valid_from, micros
    from unnest(
      ${unique.map((one) => one.connector)}::text[],
      ${unique.map((one) => one.country)}::text[],
      ${unique.map((one) => one.carrier)}::text[],
      ${unique.map((one) => one.validFrom.toISOString())}::text[]::timestamptz[],
      ${unique.map((one) => String(one.micros))}::bigint[]
    ) as item(connector, country, carrier, valid_from, micros)
    order by connector, country, carrier, valid_from
    on conflict (connector, country, carrier, valid_from) do update
    set micros = excluded.micros
  `;
}

export async function listPrices(
  sql: Sql,
  page: {
    readonly connector?: string | undefined;
    readonly country?: string | undefined;
    readonly afterId: number;
    readonly limit: number;
  },
): Promise<StoredPrice[]> {
  return sql<StoredPrice[]>`
    select price as id, ${columns(sql)}
    from prices
    where price > ${page.afterId}
      ${page.connector === undefined ? sql`` : sql`and connector = ${page.connector}`}
      ${page.country === undefined ? sql`` : sql`and country = ${page.country}`}
    order by price
    limit ${page.limit}
  `;
}

/** Whether there was one. */
export async function deletePrice(sql: Sql, id: number): Promise<boolean> {
  const result = await sql`
    delete from prices
    where price = ${id}
  `;
  return result.count > 0;
}

function columns(sql: Sql) {
  return sql`connector, country, carrier, valid_from as "validFrom", micros::float8 as micros`;
}
