import { expect, test } from "vitest";
import { isShortCode } from "./short-code.ts";

test.each(["12345", "123456"])("%s is a short code in the United States", (text) => {
  expect(isShortCode(text, "US")).toBe(true);
});

test.each(["1234", "1234567", "+12345", "1234a", ""])("%j is none", (text) => {
  expect(isShortCode(text, "US")).toBe(false);
});

test("elsewhere short codes have three to eight digits", () => {
  expect(["12", "123", "12345678", "123456789"].map((text) => isShortCode(text, "FR"))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
