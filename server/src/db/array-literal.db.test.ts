import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { arrayOf } from "./array-literal.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const same = <Value>(value: Value) => value;

test("any texts, and none, arrive as they were", async () => {
  const text = fc.oneof(
    fc.constant(null),
    fc.string({ unit: "grapheme" }).filter((one) => !one.includes("\0")),
    fc.constantFrom("", "NULL", "null", '"', "\\", "{}", "a,b", " a ", "\n"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (texts) => {
      const [row] = await database.sql`select to_jsonb(${arrayOf(texts, same)}::text[]) as texts`;
      expect(row?.texts).toEqual(texts);
    }),
    { numRuns: 50 },
  );
});

test("numbers, truths and dates arrive as they were", async () => {
  const [row] = await database.sql`
    select to_jsonb(${arrayOf([1, -2, undefined], same)}::smallint[]) as small,
      to_jsonb(${arrayOf([2n ** 62n, 0n], same)}::bigint[]::text[]) as large,
      to_jsonb(${arrayOf([true, false], same)}::boolean[]) as truths,
      to_jsonb(${arrayOf(["2026-11-24"], same)}::date[]) as days
  `;
  expect(row).toEqual({
    ...{ small: [1, -2, null], large: [String(2n ** 62n), "0"] },
    ...{ truths: [true, false], days: ["2026-11-24"] },
  });
});
