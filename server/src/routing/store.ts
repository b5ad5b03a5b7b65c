import type { Sql } from "../db/sql.ts";
import type { Route } from "./route.ts";

export const ROUTES_MAX = 1_000;

/** By priority, and those of one priority by name: percentages stand in this order. */
export async function readRoutes(sql: Sql): Promise<Route[]> {
  return await sql<Route[]>`
    select ${columns(sql)}
    from routes
    order by priority, name
    limit ${ROUTES_MAX}
  `;
}

/** Nothing when the name is taken. */
export async function insertRoute(sql: Sql, route: Route, at: Date): Promise<Route | undefined> {
  const [row] = await sql<Route[]>`
    insert into routes (name, connector, priority, percentage, senders, countries, prefixes,
      networks, is_enabled, created_at, updated_at)
    values (${route.name}, ${route.connector}, ${route.priority}, ${route.percentage},
      ${route.senders as string[]}::text[], ${route.countries as string[]}::text[],
      ${route.prefixes as string[]}::text[], ${route.networks as string[]}::text[],
      ${route.isEnabled}, ${at}, ${at})
    on conflict (name) do nothing
    returning ${columns(sql)}
  `;
  return row;
}

/** Nothing when there is no such route. What is not given stays. */
export async function updateRoute(
  sql: Sql,
  name: string,
  change: Partial<Omit<Route, "name">>,
  at: Date,
): Promise<Route | undefined> {
  const [row] = await sql<Route[]>`
    update routes
    set connector = coalesce(${change.connector ?? null}, connector),
      priority = coalesce(${change.priority ?? null}::int, priority),
      percentage = coalesce(${change.percentage ?? null}::real, percentage),
      senders = coalesce(${(change.senders as string[] | undefined) ?? null}::text[], senders),
      countries = coalesce(${(change.countries as string[] | undefined) ?? null}::text[], countries),
      prefixes = coalesce(${(change.prefixes as string[] | undefined) ?? null}::text[], prefixes),
      networks = coalesce(${(change.networks as string[] | undefined) ?? null}::text[], networks),
      is_enabled = coalesce(${change.isEnabled ?? null}::boolean, is_enabled),
      updated_at = ${at}
    where name = ${name}
    returning ${columns(sql)}
  `;
  return row;
}

/** Whether there was one. */
export async function deleteRoute(sql: Sql, name: string): Promise<boolean> {
  const result = await sql`
    delete from routes
    where name = ${name}
  `;
  return result.count > 0;
}

function columns(sql: Sql) {
  return sql`name, connector, priority, percentage, senders, countries, prefixes,
    networks, is_enabled as "isEnabled"`;
}
