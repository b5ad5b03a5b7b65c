type Scalar = string | number | bigint | boolean | null | undefined;

/**
 * One column of many rows as PostgreSQL writes an array: `{1,2,"a b",NULL}`. On the message path in place of a
 * JavaScript array: the client library looks at each element several times.
 */
export function arrayOf<Row>(rows: readonly Row[], read: (row: Row) => Scalar): string {
  let text = "{";
  for (const row of rows) {
    const value = read(row);
    if (text.length > 1) text += ",";
    if (typeof value === "string") text += quoted(value);
    else text += value === null || value === undefined ? "NULL" : value;
  }
  return `${text}}`;
}

function quoted(value: string): string {
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : `"${value}"`;
}
