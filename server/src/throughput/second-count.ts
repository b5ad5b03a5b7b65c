import { SECOND } from "../lib/clock.ts";

/** What left in this second and in the one before (monotonic milliseconds). */
export type SecondCount = { second: number; current: number; before: number };

export function createSecondCount(): SecondCount {
  return { second: 0, current: 0, before: 0 };
}

export function countOne(count: SecondCount, now: number): void {
  turn(count, now);
  count.current += 1;
}

/** The fuller of this second and the one before. */
export function fullerSecond(count: SecondCount, now: number): number {
  turn(count, now);
  return Math.max(count.current, count.before);
}

function turn(count: SecondCount, now: number): void {
  const next = Math.floor(now / SECOND);
  if (next === count.second) return;
  count.before = next === count.second + 1 ? count.current : 0;
  count.current = 0;
  count.second = next;
}
