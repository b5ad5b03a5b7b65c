import { expect, test } from "vitest";
import { passingErrorMs, queueFullMs } from "./retry-delays.ts";

test.each([
  [1, 1_000],
  [2, 2_000],
  [6, 32_000],
  [7, 60_000],
  [5_000, 60_000],
])("a lane waits after its carrier's queue was full %i times for %i ms", (times, ms) => {
  expect(queueFullMs(times)).toBe(ms);
});

test.each([
  [1, 0, 2_500],
  [1, 1, 5_000],
  [3, 1, 20_000],
  [8, 0, 300_000],
  [30_000, 1, 600_000],
])("a text waits after attempt %i, by chance %f, for %i ms", (attempt, random, ms) => {
  expect(passingErrorMs(attempt, random)).toBe(ms);
});
