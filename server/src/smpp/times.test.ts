import { expect, test } from "vitest";
import { absoluteTime, readTime, relativeTime } from "./times.ts";

const now = new Date("2026-11-24T12:00:00Z");

test("an absolute time is UTC", () => {
  expect(absoluteTime(new Date("2026-11-24T23:59:58.900Z"))).toBe("261124235958000+");
});

test.each([
  [300, "000000000500000R"],
  [7 * 86_400, "000007000000000R"],
  [36_000, "000000100000000R"],
  [31 * 86_400 + 1, "000101000001000R"],
  [1e12, "001200000000000R"],
])("%i seconds from now are %s", (seconds, text) => {
  expect(relativeTime(seconds)).toBe(text);
});

test.each([
  ["261124120000000+", "2026-11-24T12:00:00.000Z"],
  ["261124140000008+", "2026-11-24T12:00:00.000Z"],
  ["261124070000020-", "2026-11-24T12:00:00.000Z"],
  ["000000000500000R", "2026-11-24T12:05:00.000Z"],
  ["000100000000000R", "2026-12-24T12:00:00.000Z"],
  ["", undefined],
  ["tomorrow", undefined],
])("%j is read as an instant", (text, expected) => {
  expect(readTime(text, now)?.toISOString()).toBe(expected);
});
