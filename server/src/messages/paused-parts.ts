import type { Flight, Part } from "./flight.ts";

/** What becomes of parts that are ready to be written when their lane is paused. */
export type PausedParts = {
  /** Messages of which nothing has left: they can go back to the queue. */
  readonly fresh: readonly Flight[];
  /** The other parts of a message that has begun to leave: a phone shows no half of a text. */
  readonly finishing: readonly Part[];
  /** To be submitted again, after the pause. */
  readonly waiting: readonly Part[];
};

export function sortPaused(parts: readonly Part[]): PausedParts {
  const begun = parts.filter(({ flight }) => flight.firstSentAt !== undefined);
  const fresh = parts.filter(({ flight }) => flight.firstSentAt === undefined);
  return {
    fresh: [...new Set(fresh.map(({ flight }) => flight))],
    finishing: begun.filter(isFinishing),
    waiting: begun.filter((part) => !isFinishing(part)),
  };
}

/** A carrier may have refused all that was written so far; then the message has not begun. */
function isFinishing({ flight, attempt }: Part): boolean {
  return flight.accepted > 0 || attempt === flight.claim.attempt;
}
