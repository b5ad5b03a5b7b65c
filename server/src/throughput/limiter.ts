import { SECOND } from "../lib/clock.ts";

/**
 * One limit of segments per second. Limit r means: any r+1 consecutive segments span at least one
 * second; where r is no whole number, n+1 of them span n/r seconds, n being the next whole one: below
 * 1, consecutive ones are 1/r seconds apart. An even pace (GCRA) with a burst of at most 100 ms'
 * worth, under a ring of the last n stamps that makes the definition hold exactly.
 * Times are monotonic milliseconds.
 */
export type Limiter = {
  readonly segmentsPerSecond: () => number;
  /** The last stamps count under the new rate as they did under the old one. Nought: nothing leaves. */
  readonly setRate: (segmentsPerSecond: number) => void;
  /** When the next segment may leave, if `ahead` others leave before it at full pace. */
  readonly earliest: (ahead?: number) => number;
  /** Stamps one segment as leaving now; the caller has waited for `earliest()`. */
  readonly take: (now: number) => void;
  /**
   * The oldest so many of what was taken and not told written have been written by now; all of it
   * without a count. A process that was held up between the two wrote later than it stamped, and the
   * next second counts from there.
   */
  readonly written: (now: number, count?: number) => void;
  /**
   * Others may have sent under this limit until this instant, and nobody knows their stamps: a
   * whole window passes after it.
   */
  readonly waitWindowAfter: (instant: number) => void;
};

const BURST_MS = 100;
/** So late a timer may fire without the pace falling behind: the next segment comes the sooner. */
const LATE_MS = 20;
/** The stamp is taken a moment before the bytes leave; the far end's clock must agree as well. */
const MARGIN_MS = 2;

/** The time that n+1 consecutive segments span at least. */
export function limitWindow(segmentsPerSecond: number): { segments: number; ms: number } {
  const segments = Math.max(1, Math.ceil(segmentsPerSecond));
  return { segments, ms: (segments * SECOND) / segmentsPerSecond };
}

export function createLimiter(initialRate: number): Limiter {
  let rate = 0;
  /** How many segments a window may hold. */
  let length = 1;
  let intervalMs = 0;
  let spanMs = 0;
  let burstMs = 0;
  /** As long as the highest rate so far: a lower one must not forget what left under it. */
  let ring = new Float64Array(1).fill(Number.NEGATIVE_INFINITY);
  let next = 0;
  let arrival = Number.NEGATIVE_INFINITY;
  let unknownUntil = Number.NEGATIVE_INFINITY;
  let unwritten = 0;
  const placeBack = (back: number) => (next - back + 2 * ring.length) % ring.length;

  const setRate = (segmentsPerSecond: number) => {
    if (segmentsPerSecond === rate) return;
    rate = segmentsPerSecond;
    if (rate <= 0) return;
    const window = limitWindow(rate);
    length = window.segments;
    if (length >= ring.length) {
      // What a longer ring does not know is a window older than what it knows: the rates so far saw to it.
      const longer = new Float64Array(length + 1).fill(Number.NEGATIVE_INFINITY);
      for (let back = 1; back <= ring.length; back += 1)
        longer[length + 1 - back] = ring[placeBack(back)] ?? 0;
      ring = longer;
      next = 0;
    }
    intervalMs = SECOND / rate;
    spanMs = window.ms + MARGIN_MS;
    burstMs = Math.max(LATE_MS, BURST_MS - intervalMs);
    arrival = (ring[placeBack(1)] ?? 0) + intervalMs;
  };
  setRate(initialRate);

  return {
    segmentsPerSecond: () => rate,
    setRate,
    earliest: (ahead = 0) => {
      if (rate <= 0) return Number.POSITIVE_INFINITY;
      const inRing = ahead < length ? (ring[placeBack(length - ahead)] ?? 0) : 0;
      const paced = arrival - burstMs + ahead * intervalMs;
      return Math.max(paced, inRing + spanMs, unknownUntil + spanMs);
    },
    take: (now) => {
      ring[next] = now;
      next = (next + 1) % ring.length;
      arrival = Math.max(arrival, now) + intervalMs;
      unwritten = Math.min(ring.length, unwritten + 1);
    },
    written: (now, count = unwritten) => {
      for (let left = Math.min(count, unwritten); left > 0; left -= 1) {
        ring[placeBack(unwritten)] = now;
        unwritten -= 1;
      }
    },
    waitWindowAfter: (instant) => {
      unknownUntil = Math.max(unknownUntil, instant);
    },
  };
}
