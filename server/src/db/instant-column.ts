import { arrayOf } from "./array-literal.ts";
import type { Sql } from "./sql.ts";

/** A part of a statement: a column of instants. PostgreSQL reads a number far sooner than a date's text. */
export function instantColumn<Row>(sql: Sql, rows: readonly Row[], read: (row: Row) => Date) {
  const ms = arrayOf(rows, (row) => read(row).getTime());
  return sql`to_timestamp(unnest(${ms}::float8[]) / 1000)`;
}
