import { expect, test } from "vitest";
import { createBindRate, createBindRates } from "./bind-rate.ts";

test("any r+1 segments of a bind span a second, from its beginning on", () => {
  let now = 5_000;
  const rate = createBindRate(10, { ms: 1_000, nowMs: () => now });
  const written: number[] = [now];
  while (written.length < 200) {
    for (let free = rate.free(); free > 0; free -= 1) {
      rate.take(1);
      written.push(now);
    }
    // Whatever the pauses: whole bursts, and one by one.
    now += written.length % 3 === 0 ? Math.ceil(rate.waitMs()) : 7;
  }
  for (const [index, at] of written.entries()) {
    const before = written[index - 10];
    if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(1_000);
  }
  expect(written.at(11)).toBeGreaterThanOrEqual(6_000);
});

test("a whole text counts with all of its segments, the next one waits for them", () => {
  let now = 5_000;
  const rate = createBindRate(10, { ms: 1_000, nowMs: () => now });
  let segments = 0;
  const startedAt = now + rate.waitMs();
  for (const size of [1, 4, 25, 3, 10, 1, 7]) {
    while (rate.free() === 0) now += rate.waitMs();
    expect(now - startedAt).toBeGreaterThanOrEqual(Math.floor(segments / 10) * 1_000);
    rate.take(size);
    segments += size;
  }
  while (rate.free() === 0) now += rate.waitMs();
  expect(now - startedAt).toBeLessThan(6_000);
});

test("a bind keeps its rates of a second and of a minute, from its beginning on", () => {
  let now = 5_000;
  const rates = createBindRates({ segmentsPerSecond: 4, segmentsPerMinute: 30 }, () => now);
  const written: number[] = Array.from({ length: 30 }, () => now);
  while (written.length < 200) {
    for (let free = rates.free(); free > 0; free -= 1) {
      rates.take(1);
      written.push(now);
    }
    expect(rates.isMinuteUsedUp()).toBe(now - (written.at(-30) ?? 0) < 60_020);
    now += Math.max(1, Math.ceil(rates.waitMs()));
  }
  for (const [index, at] of written.entries()) {
    expect(at - (written[index - 30] ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(60_000);
    if (index < 34) continue;
    expect(at - (written[index - 4] ?? 0)).toBeGreaterThanOrEqual(1_000);
  }
  // Neither is kept by sending less than it lets.
  expect(now).toBeLessThan(5_000 + 60_000 * 7);
});
