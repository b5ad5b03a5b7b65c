import type { Sql } from "../db/sql.ts";
import { csvLine, readCsv } from "../lib/csv.ts";
import { type PhoneNumber, parsePhoneNumber } from "../numbers/phone-number.ts";
import { listOptOuts } from "./store.ts";

/** A row of an import: an opt-out, or why it is none. Rows count from 1, the header included. */
export type OptOutRow =
  | {
      readonly kind: "opt-out";
      readonly row: number;
      readonly recipient: PhoneNumber;
      /** Nothing: the pool that the import names for the whole file. */
      readonly pool: string | undefined;
    }
  | { readonly kind: "invalid"; readonly row: number; readonly why: string };

/** About 100 kB a page in memory. */
const EXPORT_PAGE_LENGTH = 1000;
/** Rows read between two turns of the event loop: some two milliseconds of parsing. */
const SLICE_LENGTH = 100;

/**
 * Reads opt-outs from CSV: a header with `recipient`, and `pool` if the rows differ in it; other
 * columns are ignored, so that an export can be imported. A row at fault does not stop the others;
 * a file that is no CSV throws `CsvError`.
 */
export async function* parseOptOutCsv(
  csv: string | AsyncIterable<Uint8Array | string>,
): AsyncGenerator<OptOutRow> {
  let columns: Columns | undefined;
  for await (const { row, fields } of readCsv(typeof csv === "string" ? [csv] : csv)) {
    if (columns === undefined) {
      columns = readHeader(fields);
      if (columns.recipient >= 0) continue;
      yield { kind: "invalid", row, why: "The header has no column 'recipient'. Add it." };
      return;
    }
    if (row % SLICE_LENGTH === 0) await new Promise((resolve) => setImmediate(resolve));
    yield readRow(columns, row, fields);
  }
}

/** Writes an account's opt-outs, or those of one pool, page by page: no transaction stays open. */
export async function* exportOptOutCsv(
  sql: Sql,
  scope: { account: number; pool?: string | undefined },
): AsyncGenerator<string> {
  yield csvLine(["pool", "recipient", "source", "keyword", "opted_out_at"]);
  let after: { pool: string; recipient: string } | undefined;
  do {
    const page = await listOptOuts(sql, { ...scope, after, limit: EXPORT_PAGE_LENGTH });
    const lines = page.map(({ pool, recipient, source, keyword, optedOutAt }) =>
      csvLine([pool, recipient, source, keyword ?? "", optedOutAt.toISOString()]),
    );
    if (lines.length > 0) yield lines.join("");
    after = page.length === EXPORT_PAGE_LENGTH ? page.at(-1) : undefined;
  } while (after !== undefined);
}

/** Positions in a row; -1 where the file lacks the column. */
type Columns = { recipient: number; pool: number; count: number };

function readHeader(fields: readonly string[]): Columns {
  const names = fields.map((field) => field.trim().toLowerCase());
  return {
    recipient: names.indexOf("recipient"),
    pool: names.indexOf("pool"),
    count: names.length,
  };
}

function readRow(columns: Columns, row: number, fields: readonly string[]): OptOutRow {
  if (fields.length !== columns.count) {
    const why = `It has ${fields.length} fields, the header ${columns.count}.`;
    return { kind: "invalid", row, why };
  }
  const recipient = parsePhoneNumber((fields[columns.recipient] ?? "").trim());
  if (recipient === undefined) {
    const why = "'recipient' is not a phone number. Write it as +12025550123.";
    return { kind: "invalid", row, why };
  }
  const pool = (fields[columns.pool] ?? "").trim() || undefined;
  if (pool !== undefined && !isPool(pool)) {
    const why = "'pool' is neither a messaging service (MG…) nor a sender.";
    return { kind: "invalid", row, why };
  }
  return { kind: "opt-out", row, recipient, pool };
}

/** By its form: a messaging service's sid, a number, a short code, an alphanumeric sender. */
function isPool(text: string): boolean {
  return /^(MG[0-9a-f]{32}|\+\d{7,15}|[A-Za-z0-9 ]{1,11})$/.test(text);
}
