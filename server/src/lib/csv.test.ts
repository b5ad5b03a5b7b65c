import { expect, test } from "vitest";
import { CsvError, type CsvRecord, csvLine, FIELD_LENGTH_MAX, readCsv } from "./csv.ts";

async function readAll(chunks: (string | Uint8Array)[]): Promise<CsvRecord[]> {
  const records: CsvRecord[] = [];
  for await (const record of readCsv(chunks)) records.push(record);
  return records;
}

const files: [string, string, string[][]][] = [
  [
    "lines ended by CRLF",
    "a,b\r\nc,d\r\n",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  [
    "lines ended by LF, the last by nothing",
    "a,b\nc,d",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  [
    "empty fields",
    ",\r\na,\r\n",
    [
      ["", ""],
      ["a", ""],
    ],
  ],
  ["quotes, commas and line breaks in quotes", '"a ""b""","c,\r\nd"\r\n', [['a "b"', "c,\r\nd"]]],
  ["a byte order mark", "\ufeffa\n", [["a"]]],
  ["nothing", "", []],
];
test.each(files)("reads %s", async (_name, file, expected) => {
  expect((await readAll([file])).map((record) => record.fields)).toEqual(expected);
});

test("reads the same wherever the chunks end, even inside a character", async () => {
  const file = Buffer.from('\ufeffé,"b""\r\nc"\r\nd,€\r\n');
  const whole = await readAll([file]);
  const bytes = await readAll(Array.from(file, (byte) => Uint8Array.of(byte)));
  expect(bytes).toEqual(whole);
  expect(whole.map((record) => record.fields)).toEqual([
    ["é", 'b"\r\nc'],
    ["d", "€"],
  ]);
});

test("an empty line is left out and counted", async () => {
  expect(await readAll(["a\r\n\r\nb\r\n"])).toEqual([
    { row: 1, fields: ["a"] },
    { row: 3, fields: ["b"] },
  ]);
});

const broken: [string, string][] = [
  ['a\nb"c', "Row 2: a quote stands inside a field without quotes."],
  ['"a"b', "Row 1: text follows a closing quote."],
  ['a\n"b', "Row 2: a quoted field is never closed."],
  ["a\rb", "Row 1: a carriage return stands alone; put the field in quotes."],
  ["x".repeat(FIELD_LENGTH_MAX + 1), "Row 1: a field is longer than 4096 characters."],
  [",".repeat(64), "Row 1: it has more than 64 fields."],
];
test.each(broken)("%# is refused with its row", async (file, message) => {
  const failure = await readAll([file]).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CsvError);
  expect((failure as CsvError).message).toBe(message);
});

test("what is written is read back", async () => {
  const fields = ["plain", "a,b", 'say "no"', "two\r\nlines", ""];
  expect((await readAll([csvLine(fields)]))[0]?.fields).toEqual(fields);
});
