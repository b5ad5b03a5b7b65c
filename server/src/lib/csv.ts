/** One record of a CSV file. Rows count from 1, the header included, whatever line breaks the fields hold. */
export type CsvRecord = { readonly row: number; readonly fields: readonly string[] };

/** A file that is no CSV from this row on: nothing after it can be trusted. */
export class CsvError extends Error {
  readonly row: number;

  constructor(row: number, why: string) {
    super(`Row ${row}: ${why}`);
    this.name = "CsvError";
    this.row = row;
  }
}

/** Characters of one field: no column of ours comes near. */
export const FIELD_LENGTH_MAX = 4096;
export const FIELDS_MAX = 64;

/**
 * Reads RFC 4180, in UTF-8 with or without a byte order mark, lines ended by CRLF or LF. Empty
 * lines are left out but count as rows. Keeps one record in memory. Throws `CsvError`.
 */
export async function* readCsv(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): AsyncGenerator<CsvRecord> {
  const decoder = new TextDecoder(); // drops the byte order mark of bytes
  const reader: Reader = { state: "start", row: 1, field: "", fields: [] };
  let isFirst = true;
  for await (const chunk of chunks) {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    for (const character of isFirst ? text.replace(/^\ufeff/, "") : text) {
      const record = take(reader, character);
      if (record !== undefined) yield record;
    }
    isFirst = false;
  }
  const last = endRecord(reader);
  if (last !== undefined) yield last;
}

/** One line with its CRLF; quotes the fields that need it. */
export function csvLine(fields: readonly string[]): string {
  return `${fields.map(quoteField).join(",")}\r\n`;
}

function quoteField(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** A quote inside a quoted field is its end or the first half of `""`. */
type State = "start" | "plain" | "quoted" | "quote" | "return";

type Reader = { state: State; row: number; field: string; fields: string[] };

/** Takes the next character; gives the record that it ends, unless that is an empty line. */
function take(reader: Reader, character: string): CsvRecord | undefined {
  const { state, row } = reader;
  if (state === "quoted") {
    if (character === '"') reader.state = "quote";
    else append(reader, character);
  } else if (character === "\n") {
    return endRecord(reader);
  } else if (state === "return") {
    throw new CsvError(row, "a carriage return stands alone; put the field in quotes.");
  } else if (character === ",") {
    endField(reader);
  } else if (character === "\r") {
    reader.state = "return";
  } else if (character === '"') {
    if (state === "plain") throw new CsvError(row, "a quote stands inside a field without quotes.");
    if (state === "quote") append(reader, '"');
    reader.state = "quoted";
  } else if (state === "quote") {
    throw new CsvError(row, "text follows a closing quote.");
  } else {
    reader.state = "plain";
    append(reader, character);
  }
  return undefined;
}

function append(reader: Reader, character: string): void {
  reader.field += character;
  if (reader.field.length > FIELD_LENGTH_MAX) {
    throw new CsvError(reader.row, `a field is longer than ${FIELD_LENGTH_MAX} characters.`);
  }
}

function endField(reader: Reader): void {
  reader.fields.push(reader.field);
  reader.field = "";
  reader.state = "start";
  if (reader.fields.length > FIELDS_MAX) {
    throw new CsvError(reader.row, `it has more than ${FIELDS_MAX} fields.`);
  }
}

function endRecord(reader: Reader): CsvRecord | undefined {
  if (reader.state === "quoted") throw new CsvError(reader.row, "a quoted field is never closed.");
  const isEmptyLine = reader.fields.length === 0 && reader.field === "";
  endField(reader);
  const record = { row: reader.row, fields: reader.fields };
  reader.fields = [];
  reader.row += 1;
  return isEmptyLine ? undefined : record;
}
