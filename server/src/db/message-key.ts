import type { Sql } from "./sql.ts";

/** `shardOf` of a message's `id`, where a statement has that: an array less that PostgreSQL reads. */
export function shardOfId(sql: Sql) {
  return sql`(id >> 14 & 255)::smallint`;
}

/** `dayOf` of a message's `id`: a day is 86,400,000 ms, each 2^22 ids, the first that of 2024. */
export function dayOfId(sql: Sql) {
  return sql`date '2024-01-01' + (id / 362387865600000)::int`;
}
