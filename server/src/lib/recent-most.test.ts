import { expect, test } from "vitest";
import { createRecentMost } from "./recent-most.ts";

test("the most that was noted halves, until more is noted", () => {
  const most = createRecentMost(10);
  expect(most.at(0)).toBe(0);
  most.note(80, 0);
  most.note(10, 10);
  expect(most.at(10)).toBe(40);
  expect(most.at(20)).toBe(20);
  most.note(30, 20);
  expect(most.at(20)).toBe(30);
});
