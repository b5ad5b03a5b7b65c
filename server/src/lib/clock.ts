/** The present instant. Everything that needs the time takes a clock, so that tests can move it. */
export type Clock = () => Date;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const systemClock: Clock = () => new Date();

/** The UTC day of an instant, as PostgreSQL writes a `date`: `2026-11-24`. */
export function utcDay(at: Date): string {
  return at.toISOString().slice(0, 10);
}
