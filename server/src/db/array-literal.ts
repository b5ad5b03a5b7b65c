type Scalar = string | number | bigint | boolean | null | undefined;

/**
 * One column of many rows as PostgreSQL writes an array: `{1,2,"a b",NULL}`. On the message path in place of a
 * JavaScript array: the client library looks at each element several times.
 */
export function arrayOf<Row>(rows: readonly Row[], read: (row: Row) => Scalar): string {
  return `{${rows.map((row) => elementOf(read(row))).join(",")}}`;
}

function elementOf(value: Scalar) {
  if (typeof value === "string") return quoted(value);
  return value === null || value === undefined ? "NULL" : value;
}

function quoted(value: string): string {
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : `"${value}"`;
}
