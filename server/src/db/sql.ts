import type postgres from "postgres";

/** A pool of connections, or one connection inside a transaction. bigint columns are `bigint`s. */
export type Sql = postgres.Sql<{ bigint: bigint }>;
