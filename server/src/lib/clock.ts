/** The present instant. Everything that needs the time takes a clock, so that tests can move it. */
export type Clock = () => Date;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const systemClock: Clock = () => new Date();

/** The UTC day of an instant, as PostgreSQL writes a `date`: `2026-11-24`. */
export function utcDay(at: Date): string {
  return utcDayAt(at.getTime());
}

/** The same of milliseconds since 1970. */
export function utcDayAt(ms: number): string {
  const day = Math.floor(ms / DAY);
  if (day !== lastDay.day) lastDay = { day, text: new Date(ms).toISOString().slice(0, 10) };
  return lastDay.text;
}

/** Most often it is the same day again. */
let lastDay = { day: Number.NaN, text: "" };
