import { MINUTE, SECOND } from "../../lib/clock.ts";

/** What a write may come later than it was asked for. */
const LATE_MS = 20;

/**
 * Segments in a span of time of one bind: any r+1 of them span it. It begins full, for the process
 * before this one may just have sent. A whole text leaves as soon as one segment may; those of its
 * segments that are too many are counted at the instants when they could have left, and what follows
 * waits.
 */
export function createBindRate(segments: number, span: { ms: number; nowMs: () => number }) {
  const { nowMs } = span;
  const spanMs = span.ms + LATE_MS;
  const stamps = new Float64Array(segments).fill(nowMs());
  let oldest = 0;
  let recent = segments;
  return {
    free: (): number => {
      const now = nowMs();
      while (recent > 0 && now - (stamps[oldest] ?? 0) >= spanMs) {
        oldest = (oldest + 1) % segments;
        recent -= 1;
      }
      return segments - recent;
    },
    take: (count: number): void => {
      for (let taken = 0; taken < count; taken += 1) {
        if (recent < segments) {
          stamps[(oldest + recent) % segments] = nowMs();
          recent += 1;
        } else {
          stamps[oldest] = Math.max(nowMs(), (stamps[oldest] ?? 0) + spanMs);
          oldest = (oldest + 1) % segments;
        }
      }
    },
    /** Milliseconds until one is free. */
    waitMs: (): number => Math.max(0, (stamps[oldest] ?? 0) + spanMs - nowMs()),
  };
}

type BindRate = ReturnType<typeof createBindRate>;

/** A bind's rates a second and a minute, where it has any (0: none): what leaves passes both. */
export function createBindRates(
  of: { segmentsPerSecond: number; segmentsPerMinute: number },
  nowMs: () => number,
) {
  const rateOf = (segments: number, ms: number): BindRate[] =>
    segments === 0 ? [] : [createBindRate(segments, { ms, nowMs })];
  const ofMinute = rateOf(of.segmentsPerMinute, MINUTE);
  const rates = [...rateOf(of.segmentsPerSecond, SECOND), ...ofMinute];
  return {
    /** Infinite without a rate. */
    free: (): number => Math.min(...rates.map((rate) => rate.free())),
    take: (count: number): void => {
      for (const rate of rates) rate.take(count);
    },
    /** Milliseconds until one is free of those that have none now. */
    waitMs: (): number =>
      Math.max(0, ...rates.filter((rate) => rate.free() === 0).map((rate) => rate.waitMs())),
    isMinuteUsedUp: (): boolean => ofMinute.some((rate) => rate.free() === 0),
  };
}
