import { limitKinds, type NamedLimiter } from "./limiters.ts";

/** The limiters that a lane passes: a segment leaves when all of them let it, and counts in each. */
export type Passage = {
  /** From the smallest scope to the largest. */
  readonly limiters: readonly NamedLimiter[];
  /** When the next segment may leave, or the last of some that leave together, `ahead` before it. */
  readonly earliest: (ahead?: number) => number;
  readonly take: (now: number) => void;
  readonly written: (now: number, count?: number) => void;
  readonly reserve: (segments: number) => void;
};

export function createPassage(unsorted: readonly NamedLimiter[]): Passage {
  const limiters = unsorted.toSorted(
    (one, other) => limitKinds.indexOf(one.limit().kind) - limitKinds.indexOf(other.limit().kind),
  );
  return {
    limiters,
    earliest: (ahead = 0) => {
      let latest = Number.NEGATIVE_INFINITY;
      for (const limiter of limiters) latest = Math.max(latest, limiter.earliest(ahead));
      return latest;
    },
    take: (now) => {
      for (const limiter of limiters) limiter.take(now);
    },
    written: (now, count) => {
      for (const limiter of limiters) limiter.written(now, count);
    },
    reserve: (segments) => {
      for (const limiter of limiters) limiter.reserve(segments);
    },
  };
}
