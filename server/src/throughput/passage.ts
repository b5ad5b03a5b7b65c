import { limitKinds, type NamedLimiter } from "./limiters.ts";

/**
 * The limiters that a lane passes, from the smallest scope to the largest: a segment leaves when all of
 * them let it, and counts in each.
 */
export type Passage = { readonly limiters: readonly NamedLimiter[] };

export function createPassage(unsorted: readonly NamedLimiter[]): Passage {
  const limiters = unsorted.toSorted(
    (one, other) => limitKinds.indexOf(one.limit().kind) - limitKinds.indexOf(other.limit().kind),
  );
  return { limiters };
}

/** When the next segment may leave, or the last of some that leave together, `ahead` before it. */
export function earliestThrough({ limiters }: Passage, ahead = 0): number {
  let latest = Number.NEGATIVE_INFINITY;
  for (const limiter of limiters) latest = Math.max(latest, limiter.earliest(ahead));
  return latest;
}

/** Stamps segments as leaving now. */
export function takeThrough({ limiters }: Passage, now: number, segments: number): void {
  for (const limiter of limiters) {
    for (let taken = 0; taken < segments; taken += 1) limiter.take(now);
  }
}

/** The oldest so many that were taken and not told written have been written by now. */
export function writtenThrough({ limiters }: Passage, now: number, segments: number): void {
  for (const limiter of limiters) limiter.written(now, segments);
}

/** Counts segments that are claimed and have not left. */
export function reserveAt({ limiters }: Passage, segments: number): void {
  for (const limiter of limiters) limiter.reserve(segments);
}
