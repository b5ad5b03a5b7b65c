import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePairs } from "./form.ts";

function valuesOf(pairs: URLSearchParams): Map<string, string[]> {
  return new Map([...new Set(pairs.keys())].map((name) => [name, pairs.getAll(name)]));
}

test.each([
  "",
  "?",
  "&&",
  "To=%2B12025550123&Body=a+b%20c",
  "?a=1&&b&=2&c==3&c=4=5&%61=2",
  "Body=Gr%C3%BC%C3%9Fe%20%F0%9F%8E%89&Body=€",
  "Body=%EF%BB%BFx&Body=%00",
  "%2B+%26=%3D%25",
])("a form is read as the URL standard says: %s", (text) => {
  expect(parsePairs(text)).toEqual(valuesOf(new URLSearchParams(text)));
});

test("any form that URLSearchParams writes is read as it was", () => {
  const texts = fc.string({ unit: "binary", maxLength: 20 });
  void fc.assert(
    fc.property(fc.array(fc.tuple(texts, texts), { maxLength: 10 }), (pairs) => {
      const written = new URLSearchParams(pairs);
      expect(parsePairs(written.toString())).toEqual(valuesOf(written));
    }),
  );
});

test("any pieces are read as the URL standard says, or refused", () => {
  const pieces = fc.constantFrom(
    "%",
    "%4",
    "%41",
    "%C3",
    "%A9",
    "%ed%a0%80",
    "+",
    "&",
    "=",
    "a",
    "é",
    "?",
  );
  void fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const text = parts.join("");
      let isWhole = true;
      try {
        decodeURIComponent(text);
      } catch {
        isWhole = false;
      }
      if (isWhole) expect(parsePairs(text)).toEqual(valuesOf(new URLSearchParams(text)));
      else expect(() => parsePairs(text)).toThrow("The parameters");
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["a=%", "no two hexadecimal digits"],
  ["a=%4&b=%C3", "no two hexadecimal digits"],
  ["a=%C3&b=%4", "no two hexadecimal digits"],
  ["%zz=1", "no two hexadecimal digits"],
  ["a=%C3", "not UTF-8"],
  ["a=%C3&b=%A9", "not UTF-8"],
  ["%FF", "not UTF-8"],
  ["a=%ED%A0%80", "not UTF-8"],
])("%s is refused", (text, why) => {
  expect(() => parsePairs(text)).toThrow(why);
});

test("500 parameters are read, one more is refused", () => {
  expect(parsePairs("a=1&".repeat(500)).get("a")).toHaveLength(500);
  expect(() => parsePairs("a=1&".repeat(501))).toThrow("has 501 parameters, the limit is 500");
});
