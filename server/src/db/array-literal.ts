type Scalar = string | number | bigint | boolean | null | undefined;

/**
 * One column of many rows as PostgreSQL writes an array: `{1,2,"a b",NULL}`. On the message path in place of a
 * JavaScript array: the client library looks at each element several times.
 */
export function arrayOf<Row>(rows: readonly Row[], read: (row: Row) => Scalar): string {
  // Many columns say the same of each row: that is quoted once.
  let last: Scalar;
  let element = elementOf(last);
  const elements = rows.map((row) => {
    const value = read(row);
    if (value !== last) element = elementOf(value);
    last = value;
    return element;
  });
  return `{${elements.join(",")}}`;
}

function elementOf(value: Scalar) {
  if (typeof value === "string") return quoted(value);
  return value === null || value === undefined ? "NULL" : value;
}

function quoted(value: string): string {
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : `"${value}"`;
}
