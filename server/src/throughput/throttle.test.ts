import { expect, test } from "vitest";
import { earliest, noteWritten, takeSegments } from "./limiter.ts";
import { createThrottle } from "./throttle.ts";

/** A carrier that takes `limit` segments in each second, and one sender that has work for more. */
function send(limit: number, seconds: number) {
  let now = 0;
  const throttle = createThrottle("c", () => now);
  const sent: number[] = [];
  let refused = 0;
  const taken = new Map<number, number>();
  for (; now < seconds * 1_000; now += 5) {
    if (earliest(throttle.limiter) > now) continue;
    takeSegments(throttle.limiter, now, 1);
    noteWritten(throttle.limiter, now);
    const second = Math.floor(now / 1_000);
    const count = (taken.get(second) ?? 0) + 1;
    taken.set(second, count);
    if (count > limit) {
      refused += 1;
      throttle.slowDown(now);
    } else sent.push(now);
  }
  return { throttle, refused, accepted: sent.length, seconds };
}

test("a carrier that does not complain is not held back", () => {
  const { accepted, throttle } = send(1_000, 5);
  expect(accepted).toBe(1_000);
  expect(throttle.segmentsPerSecond()).toBeUndefined();
});

test("the rate settles near what the carrier takes, with few refusals", () => {
  const { accepted, refused, seconds } = send(50, 120);
  expect(accepted / seconds).toBeGreaterThan(50 * 0.65);
  expect(refused / (accepted + refused)).toBeLessThan(0.05);
});

test("a complaint halves the rate once a second, however many answers complain", () => {
  let now = 10_000;
  const throttle = createThrottle("c", () => now);
  for (let index = 0; index < 100; index += 1) takeSegments(throttle.limiter, now, 1);
  for (let index = 0; index < 40; index += 1) throttle.slowDown(now);
  expect(throttle.segmentsPerSecond()).toBe(50);
  now += 1_000;
  throttle.slowDown(now);
  expect(throttle.segmentsPerSecond()).toBe(27);
  now += 999;
  throttle.slowDown(now);
  expect(throttle.segmentsPerSecond()).toBe(27);
});

test("after long without a complaint the carrier's limit counts as unknown", () => {
  let now = 10_000;
  const throttle = createThrottle("c", () => now);
  for (let index = 0; index < 10; index += 1) takeSegments(throttle.limiter, now, 1);
  throttle.slowDown(now);
  now += 30_000;
  expect(throttle.segmentsPerSecond()).toBeUndefined();
  expect(earliest(throttle.limiter)).toBe(Number.NEGATIVE_INFINITY);
});
