import fc from "fast-check";
import { expect, test } from "vitest";
import {
  createLimiter,
  createLimiterNumbers,
  earliest,
  noteWritten,
  setRate,
  takeSegments,
  waitWindowAfter,
} from "./limiter.ts";

const limiterOf = (segmentsPerSecond: number) =>
  createLimiter({ kind: "sender", of: "+1", segmentsPerSecond, setBy: "the inventory" });

function leaveAsFastAsAllowed(segmentsPerSecond: number, count: number, pauses: number[] = []) {
  const limiter = limiterOf(segmentsPerSecond);
  const stamps: number[] = [];
  let now = 0;
  for (let index = 0; index < count; index += 1) {
    now += pauses[index] ?? 0;
    now = Math.max(now, earliest(limiter));
    takeSegments(limiter, now, 1);
    stamps.push(now);
  }
  return stamps;
}

test("any r+1 consecutive segments span at least a second, whatever the pauses", () => {
  void fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 300 }),
      (rate, pauses) => {
        const stamps = leaveAsFastAsAllowed(rate, 300, pauses);
        for (let index = rate; index < stamps.length; index += 1) {
          expect((stamps[index] ?? 0) - (stamps[index - rate] ?? 0)).toBeGreaterThanOrEqual(1000);
        }
      },
    ),
  );
});

test("below one a second, segments are 1/r seconds apart", () => {
  const stamps = leaveAsFastAsAllowed(0.25, 4);
  for (let index = 1; index < stamps.length; index += 1) {
    expect((stamps[index] ?? 0) - (stamps[index - 1] ?? 0)).toBeGreaterThanOrEqual(4000);
  }
});

test("between whole numbers, n+1 segments span n/r seconds, whatever the rates before", () => {
  const rates = [1.25, 3.75, 1.5, 2.01, 0.7, 1.01];
  const limiter = limiterOf(2);
  let now = 0;
  for (const rate of rates) {
    setRate(limiter, rate);
    const stamps: number[] = [];
    for (let left = 0; left < 40; left += 1) {
      now = Math.max(now, earliest(limiter));
      takeSegments(limiter, now, 1);
      stamps.push(now);
    }
    const within = Math.ceil(rate);
    for (let last = within; last < stamps.length; last += 1) {
      const spanMs = (stamps[last] ?? 0) - (stamps[last - within] ?? 0);
      expect(spanMs).toBeGreaterThanOrEqual((within * 1000) / rate);
    }
    const seconds = ((stamps.at(-1) ?? 0) - (stamps[0] ?? 0)) / 1000;
    expect((stamps.length - 1) / seconds / rate).toBeGreaterThan(0.99);
  }
});

test("a busy lane leaves within one percent of its rate", () => {
  for (const rate of [1, 3, 10, 100, 1000]) {
    const stamps = leaveAsFastAsAllowed(rate, rate * 60 + 1);
    expect(stamps.at(-1)).toBeLessThan(60_000 * 1.01);
  }
});

test("a fresh limiter lets out at most 100 ms' worth at once", () => {
  const atOnce = leaveAsFastAsAllowed(100, 100).filter((stamp) => stamp === 0);
  expect(atOnce.length).toBeLessThanOrEqual(11);
});

test("a new owner's first segment waits a window after the last owner's right, a long one at a slow limit", () => {
  const limiter = limiterOf(10);
  waitWindowAfter(limiter, 5000);
  expect(earliest(limiter)).toBeGreaterThanOrEqual(6000);
  const slow = limiterOf(0.1);
  waitWindowAfter(slow, 5000);
  expect(earliest(slow)).toBeGreaterThanOrEqual(15_000);
});

test("a second counts from when a segment was written, not from when it was let go", () => {
  const limiter = limiterOf(2);
  takeSegments(limiter, 0, 1);
  noteWritten(limiter, 300);
  takeSegments(limiter, 500, 1);
  noteWritten(limiter, 510);
  expect(earliest(limiter)).toBeGreaterThanOrEqual(1300);
  takeSegments(limiter, 1310, 1);
  noteWritten(limiter, 1310);
  expect(earliest(limiter)).toBeGreaterThanOrEqual(1510);
});

test("only what was written is stamped: the rest waits for its own write", () => {
  const limiter = limiterOf(2);
  takeSegments(limiter, 0, 1);
  takeSegments(limiter, 500, 1);
  noteWritten(limiter, 10, 1);
  // Two in a second: the third waits for the first, as it was written.
  expect(earliest(limiter)).toBeCloseTo(1012);
  takeSegments(limiter, 1012, 1);
  noteWritten(limiter, 700, 1);
  expect(earliest(limiter)).toBeCloseTo(1702);
});

test("limiters whose numbers stand together keep their own, also when one becomes faster", () => {
  const numbers = createLimiterNumbers();
  const rates = [0.5, 3, 40, 2];
  const limiters = rates.map((segmentsPerSecond) => {
    const setBy = "the inventory";
    return createLimiter({ kind: "sender", of: "+1", segmentsPerSecond, setBy }, { numbers });
  });
  const alone = rates.map(limiterOf);
  for (let step = 1; step <= 60; step += 1) {
    for (const all of [limiters, alone]) {
      for (const limiter of all) takeSegments(limiter, Math.max(step * 10, earliest(limiter)), 1);
      if (step % 7 === 0) setRate(all[(step / 7) % 4] as (typeof all)[number], step);
    }
    expect(limiters.map((one) => earliest(one))).toEqual(alone.map((one) => earliest(one)));
  }
});
