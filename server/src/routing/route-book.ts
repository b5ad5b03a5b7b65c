import { type Kept, keepConfiguration } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import type { Route } from "./route.ts";
import { readRoutes } from "./store.ts";

/** The routes in their order, as of the last refresh. */
export type RouteBook = Kept<readonly Route[]>;

export function createRouteBook(app: { readonly sql: Sql }): RouteBook {
  return keepConfiguration<readonly Route[]>(app, { empty: [], read: readRoutes });
}
