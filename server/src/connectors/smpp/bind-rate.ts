/** A second, and what a write may come later than it was asked for. */
const SPAN_MS = 1_020;

/**
 * Segments a second of one bind: any r+1 of them span a second. It begins full, for the process before
 * this one may just have sent. A whole text leaves as soon as one segment may; those of its segments
 * that are too many are counted at the instants when they could have left, and what follows waits.
 */
export function createBindRate(perSecond: number, nowMs: () => number) {
  const stamps = new Float64Array(perSecond).fill(nowMs());
  let oldest = 0;
  let recent = perSecond;
  return {
    free: (): number => {
      const now = nowMs();
      while (recent > 0 && now - (stamps[oldest] ?? 0) >= SPAN_MS) {
        oldest = (oldest + 1) % perSecond;
        recent -= 1;
      }
      return perSecond - recent;
    },
    take: (segments: number): void => {
      for (let taken = 0; taken < segments; taken += 1) {
        if (recent < perSecond) {
          stamps[(oldest + recent) % perSecond] = nowMs();
          recent += 1;
        } else {
          stamps[oldest] = Math.max(nowMs(), (stamps[oldest] ?? 0) + SPAN_MS);
          oldest = (oldest + 1) % perSecond;
        }
      }
    },
    /** Milliseconds until one is free. */
    waitMs: (): number => Math.max(0, (stamps[oldest] ?? 0) + SPAN_MS - nowMs()),
  };
}
