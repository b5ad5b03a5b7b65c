import { expect, test } from "vitest";
import { createSipHash } from "./siphash.ts";

const key = Buffer.from(Array.from({ length: 16 }, (_, index) => index));
const bytes = (length: number) => Buffer.from(Array.from({ length }, (_, index) => index));

// The authors' test vectors: the key 00 … 0f, the messages 00, 00 01, and so on.
test.each([
  [0, "726fdb47dd0e0e31"],
  [1, "74f839c593dc67fd"],
  [7, "ab0200f58b01d137"],
  [8, "93f5f5799a932462"],
  [15, "a129ca6149be45e5"],
  [16, "3f2acc7f57c29bdb"],
])("a message of %i bytes has the published hash", (length, expected) => {
  const { high, low } = createSipHash(key)(bytes(length));
  const hex = [high, low].map((half) => half.toString(16).padStart(8, "0")).join("");
  expect(hex).toBe(expected);
});

test("a key of another length is refused", () => {
  expect(() => createSipHash(key.subarray(1))).toThrow("16 bytes");
});
