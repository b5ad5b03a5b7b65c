/** The most of what was measured lately: it loses half of itself in each half-life. */
export type RecentMost = {
  readonly note: (value: number, now: number) => void;
  readonly at: (now: number) => number;
};

/** Times are in one unit, whichever. */
export function createRecentMost(halfLife: number): RecentMost {
  let most = 0;
  let notedAt = 0;
  const at = (now: number) => most * 2 ** ((notedAt - now) / halfLife);
  return {
    at,
    note: (value, now) => {
      most = Math.max(value, at(now));
      notedAt = now;
    },
  };
}
