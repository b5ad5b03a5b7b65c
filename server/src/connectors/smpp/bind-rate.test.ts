import { expect, test } from "vitest";
import { createBindRate } from "./bind-rate.ts";

test("any r+1 segments of a bind span a second, from its beginning on", () => {
  let now = 5_000;
  const rate = createBindRate(10, () => now);
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
  const rate = createBindRate(10, () => now);
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
