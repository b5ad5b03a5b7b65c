import postgres from "postgres";
import { HOUR, SECOND } from "../lib/clock.ts";
import { createLives, refuseInEndedTransactions } from "./ended-transactions.ts";
import { oneQueryAConnection } from "./one-query-a-connection.ts";
import type { Sql } from "./sql.ts";
import { mendResults } from "./whole-results.ts";

/** Where a PostgreSQL is: a URL, or the private socket folder of the embedded one. */
export type DatabaseAddress =
  | { readonly kind: "url"; readonly url: string; readonly directUrl: string | undefined }
  | { readonly kind: "socket"; readonly folder: string; readonly database: string };

export type Database = {
  /** For everything that nobody waits for in thousands. */
  readonly sql: Sql;
  /** For the message path: statements planned once, by index only. */
  readonly hot: Sql;
  /** As `hot`, for what yields to it: bulks. */
  readonly bulk: Sql;
  readonly close: () => Promise<void>;
};

const CONNECTIONS_MAX = 8;
const HOT_CONNECTIONS_MAX = 8;
const BULK_CONNECTIONS_MAX = 2;
const CLOSE_SECONDS_MAX = 5;
/** The library's own pauses grow to twenty seconds, in which nothing would be recorded. */
const RECONNECT_SECONDS = 0.25;

/**
 * Generic plans by index: with fresh statistics PostgreSQL prefers scans of tables that look
 * empty, and pays for it when they fill. Joins of a small set with a table are written
 * `key = any(array[small.key])` there: such a clause can drive an index lookup and nothing else,
 * so the order is fixed whatever the statistics say. docs/decisions/0022 tells what it cost before.
 */
const hotSettings = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  enable_mergejoin: "off",
  enable_sort: "off",
  // Before PostgreSQL 18 what is off is only made dear, and dear plans are compiled at every run.
  jit: "off",
};

/**
 * Opens the pools; nothing connects before the first query. TLS follows `sslmode` in the URL.
 * The message path goes past a pooler: see docs/decisions/0040-hot-path-past-the-pooler.md.
 */
export function connectDatabase(address: DatabaseAddress): Database {
  const pool = openPool(address, CONNECTIONS_MAX, {});
  const sql = isPooled(address) ? oneQueryAConnection(pool, CONNECTIONS_MAX) : pool;
  const hot = openPool(directAddress(address), HOT_CONNECTIONS_MAX, hotSettings);
  const bulk = openPool(directAddress(address), BULK_CONNECTIONS_MAX, hotSettings);
  return {
    sql,
    hot,
    bulk,
    close: async () => {
      await Promise.all([
        sql.end({ timeout: CLOSE_SECONDS_MAX }),
        hot.end({ timeout: CLOSE_SECONDS_MAX }),
        bulk.end({ timeout: CLOSE_SECONDS_MAX }),
      ]);
    },
  };
}

/** One connection that no pooler shares: for migrations. */
export function connectDirect(address: DatabaseAddress): Sql {
  return openPool(directAddress(address), 1, {});
}

function directAddress(address: DatabaseAddress): DatabaseAddress {
  if (address.kind === "socket") return address;
  return { ...address, url: address.directUrl ?? address.url, directUrl: undefined };
}

/** A pooler in transaction mode keeps neither prepared statements nor session settings. */
function isPooled(address: DatabaseAddress): boolean {
  return address.kind === "url" && address.directUrl !== undefined;
}

function openPool(address: DatabaseAddress, max: number, settings: Record<string, string>): Sql {
  const lives = createLives();
  const options = {
    max,
    prepare: !isPooled(address),
    types: { bigint: postgres.BigInt, date: dateAsText },
    connect_timeout: 10,
    backoff: () => RECONNECT_SECONDS,
    max_lifetime: (12 * HOUR) / SECOND,
    onnotice: () => undefined,
    onclose: lives.ended,
    connection: { application_name: "longwave", TimeZone: "UTC", ...settings },
  };
  const pool =
    address.kind === "url"
      ? postgres(address.url, { ...options, ...socketOf(address.url) })
      : postgres({
          ...options,
          host: address.folder,
          port: 5432,
          user: "longwave",
          database: address.database,
        });
  mendResults(pool);
  return refuseInEndedTransactions(pool, lives);
}

/** A socket's folder, percent-encoded as libpq wants it, too; the library takes it as an option only. */
function socketOf(url: string): { host?: string } {
  const host = decodeURIComponent(new URL(url).hostname);
  return host.startsWith("/") ? { host } : {};
}

/** A day stays text, `2026-11-24`: as a `Date` it would move with the zone. */
const dateAsText = {
  to: 1082,
  from: [1082],
  serialize: (day: string) => day,
  parse: (day: string) => day,
};
