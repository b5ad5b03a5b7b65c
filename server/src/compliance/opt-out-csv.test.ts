import { expect, test } from "vitest";
import { type OptOutRow, parseOptOutCsv } from "./opt-out-csv.ts";

async function parse(csv: string): Promise<OptOutRow[]> {
  const rows: OptOutRow[] = [];
  for await (const row of parseOptOutCsv(csv)) rows.push(row);
  return rows;
}

test("recipients are read with and without a pool, in any order of columns", async () => {
  const csv =
    "Recipient,source,Pool\r\n+1 (202) 555-0123,import,+12025550199\r\n+12025550124,,\r\n";
  expect(await parse(csv)).toEqual([
    { kind: "opt-out", row: 2, recipient: "+12025550123", pool: "+12025550199" },
    { kind: "opt-out", row: 3, recipient: "+12025550124", pool: undefined },
  ]);
});

test("each row at fault is named, and the others are read", async () => {
  const csv = "recipient,pool\nnobody,\n+12025550123,MG1\n+12025550123\n+12025550124,no_pool!\n";
  const kinds = (await parse(csv)).map(({ row, kind }) => `${row} ${kind}`);
  expect(kinds).toEqual(["2 invalid", "3 opt-out", "4 invalid", "5 invalid"]);
});

test("a row at fault is described without its number", async () => {
  const [row] = await parse("recipient\n+1202555\n");
  expect(row).toMatchObject({ why: expect.not.stringContaining("+1202555\n") });
  expect(JSON.stringify(row)).not.toContain('+1202555"');
});

test("a file without the column 'recipient' is refused at its header", async () => {
  expect(await parse("+12025550123\n+12025550124\n")).toMatchObject([{ kind: "invalid", row: 1 }]);
});
