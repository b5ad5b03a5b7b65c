/**
 * One limit of segments per second. Limit r means: any r+1 consecutive segments span at least one
 * second; below 1, consecutive ones are 1/r seconds apart. An even pace (GCRA) with a burst of at
 * most 100 ms' worth, under a ring of the last r stamps that makes the definition hold exactly.
 * Times are monotonic milliseconds.
 */
export type Limiter = {
  readonly segmentsPerSecond: number;
  /** When the next segment may leave, if `ahead` others leave before it at full pace. */
  readonly earliest: (ahead?: number) => number;
  /** Stamps one segment as leaving now; the caller has waited for `earliest()`. */
  readonly take: (now: number) => void;
  /**
   * What was taken since the last call has been written by now. A process that was held up between
   * the two wrote later than it stamped, and the next second counts from there.
   */
  readonly written: (now: number) => void;
  /** Nothing leaves before this instant: a new owner cannot know the last one's stamps. */
  readonly waitUntil: (instant: number) => void;
};

const BURST_MS = 100;
/** The stamp is taken a moment before the bytes leave; the far end's clock must agree as well. */
const MARGIN_MS = 2;

export function createLimiter(segmentsPerSecond: number): Limiter {
  const intervalMs = 1000 / segmentsPerSecond;
  const ringLength = Math.max(1, Math.floor(segmentsPerSecond));
  const spanMs = Math.max(1000, intervalMs) + MARGIN_MS;
  const burstMs = Math.max(0, BURST_MS - intervalMs);
  const ring = new Float64Array(ringLength).fill(Number.NEGATIVE_INFINITY);
  let oldest = 0;
  let arrival = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  let unwritten = 0;

  return {
    segmentsPerSecond,
    earliest: (ahead = 0) => {
      const inRing = ahead < ringLength ? (ring[(oldest + ahead) % ringLength] ?? 0) : 0;
      const paced = arrival - burstMs + ahead * intervalMs;
      return Math.max(paced, inRing + spanMs, notBefore);
    },
    take: (now) => {
      ring[oldest] = now;
      oldest = (oldest + 1) % ringLength;
      arrival = Math.max(arrival, now) + intervalMs;
      unwritten = Math.min(ringLength, unwritten + 1);
    },
    written: (now) => {
      for (; unwritten > 0; unwritten -= 1)
        ring[(oldest - unwritten + ringLength) % ringLength] = now;
    },
    waitUntil: (instant) => {
      notBefore = Math.max(notBefore, instant);
    },
  };
}
