import { earliest, type Limiter, limitKinds } from "./limiter.ts";

/**
 * Limiters that segments pass, from the smallest scope to the largest: a segment leaves when all of
 * them let it, and counts in each.
 */
export type Passage = readonly Limiter[];

export function createPassage(unsorted: readonly Limiter[]): Passage {
  return unsorted.toSorted(
    (one, other) => limitKinds.indexOf(one.limit.kind) - limitKinds.indexOf(other.limit.kind),
  );
}

/** When the next segment may leave, or the last of some that leave together, `ahead` before it. */
export function earliestThrough(passage: Passage, ahead: number): number {
  let latest = Number.NEGATIVE_INFINITY;
  for (const limiter of passage) latest = Math.max(latest, earliest(limiter, ahead));
  return latest;
}
