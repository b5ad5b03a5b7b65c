import { HOUR, MINUTE, SECOND } from "../lib/clock.ts";

// The schedule of the Standard Webhooks specification: the first attempt and nine retries in 75 hours.
const delaysMs = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** Spreads retries over 20 % more or less, so that a host that came back is not hit at once. */
const JITTER = 0.2;

/**
 * How long after attempt `attempt` (from 1) failed the next one is due, in milliseconds; nothing
 * after the last. `random` is between 0 and 1; `retryAfterMs` is what the host asked for.
 */
export function retryDelayMs(
  attempt: number,
  random: number,
  retryAfterMs = 0,
): number | undefined {
  const delay = delaysMs[attempt];
  if (delay === undefined) return undefined;
  const jittered = Math.round(delay * (1 - JITTER + 2 * JITTER * random));
  return Math.max(jittered, Math.min(retryAfterMs, 24 * HOUR));
}

/** Retry-After in milliseconds: seconds or an HTTP date; 0 when absent or unreadable. */
export function parseRetryAfter(header: string | undefined, now: Date): number {
  if (header === undefined) return 0;
  if (/^\d+$/.test(header)) return Number(header) * SECOND;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now.getTime());
}
