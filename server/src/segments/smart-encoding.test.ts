import { expect, test } from "vitest";
import { smartEncode } from "./smart-encoding.ts";

const cases: [string, string][] = [
  ["“Hello” — it’s…", '"Hello" - it\'s...'],
  ["a\u00a0b\u3000c\td", "a b c d"],
  ["zero\u200bwidth\ufeff", "zerowidth"],
  ["½ price", "1/2 price"],
  ["ＡＢＣ１２３ ᴀʙᴄ", "ABC123 ABC"],
  ["`code`", "'code'"],
];
test.each(cases)("%j leaves as %j", (body, encoded) => {
  expect(smartEncode(body)).toBe(encoded);
});

test("a letter and its combining accent become one letter, not a letter and a tilde", () => {
  expect(smartEncode("man\u0303ana")).toBe("mañana");
});

test("a body that stays UCS-2 whatever is replaced keeps its own characters", () => {
  expect(smartEncode("“Hello” 😀")).toBe("“Hello” 😀");
});

test("a body in GSM-7 stays as it is", () => {
  expect(smartEncode("Plain [text] @ 5€")).toBe("Plain [text] @ 5€");
});
