import { describe, expect, test } from "vitest";
import { isCleanText, segmentBody, splitBody } from "./segment.ts";

describe("counting", () => {
  const a = (count: number) => "a".repeat(count);
  const cases: [string, string, "GSM-7" | "UCS-2", number, number][] = [
    ["an empty text", "", "GSM-7", 1, 0],
    ["160 letters", a(160), "GSM-7", 1, 160],
    ["161 letters", a(161), "GSM-7", 2, 161],
    ["306 letters", a(306), "GSM-7", 2, 306],
    ["307 letters", a(307), "GSM-7", 3, 307],
    ["80 euro signs, two septets each", "€".repeat(80), "GSM-7", 1, 160],
    ["81 euro signs, of which 76 fit a part", "€".repeat(81), "GSM-7", 2, 162],
    ["153 euro signs, one septet of each part left empty", "€".repeat(153), "GSM-7", 3, 306],
    ["a carriage return and a line feed", "\r\n", "GSM-7", 1, 2],
    ["a capital C with cedilla", "Ç", "GSM-7", 1, 1],
    ["a small c with cedilla, which the alphabet lacks", "ç", "UCS-2", 1, 1],
    ["70 code units beyond GSM-7", "ж".repeat(70), "UCS-2", 1, 70],
    ["71 code units beyond GSM-7", "ж".repeat(71), "UCS-2", 2, 71],
    ["134 code units beyond GSM-7", "ж".repeat(134), "UCS-2", 2, 134],
    ["35 emoji", "😀".repeat(35), "UCS-2", 1, 70],
    ["67 emoji, of which 33 fit a part", "😀".repeat(67), "UCS-2", 3, 134],
    ["an extension character counts once in UCS-2", "€ж", "UCS-2", 1, 2],
  ];
  test.each(cases)("%s", (_name, body, encoding, segments, units) => {
    expect(segmentBody(body)).toEqual({ encoding, segments, units });
  });
});

test("an extension character on the boundary goes whole into the next part", () => {
  const { parts } = splitBody(`${"a".repeat(152)}€${"b".repeat(20)}`);
  expect(parts).toEqual(["a".repeat(152), `€${"b".repeat(20)}`]);
});

test("a surrogate pair on the boundary goes whole into the next part", () => {
  const { parts } = splitBody(`${"ж".repeat(66)}😀${"ж".repeat(10)}`);
  expect(parts).toEqual(["ж".repeat(66), `😀${"ж".repeat(10)}`]);
});

test("a text without NUL and with whole surrogate pairs is clean", () => {
  expect(isCleanText("Hello 😀\r\nçé€")).toBe(true);
});

test.each(["a\0b", "\ud83d", "\ude00\ud83d", "x\ude00"])("%j is not clean text", (body) => {
  expect(isCleanText(body)).toBe(false);
});
