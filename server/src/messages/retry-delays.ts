import { MINUTE, SECOND } from "../lib/clock.ts";

const QUEUE_FULL_MS = 1 * SECOND;
const QUEUE_FULL_MS_MAX = 1 * MINUTE;
const PASSING_ERROR_MS = 5 * SECOND;
const PASSING_ERROR_MS_MAX = 10 * MINUTE;

/** How long a lane waits whose carrier's queue was full so many times in a row: 1, 2, 4 … 60 s. */
export function queueFullMs(times: number): number {
  return Math.min(QUEUE_FULL_MS_MAX, QUEUE_FULL_MS * 2 ** (times - 1));
}

/**
 * How long a text waits after its so manyth attempt met a passing error: 5, 10, 20 … 600 s at most,
 * half of that at least. `random` is from 0 to 1, so that not all come again at once.
 */
export function passingErrorMs(attempt: number, random: number): number {
  const most = Math.min(PASSING_ERROR_MS_MAX, PASSING_ERROR_MS * 2 ** (attempt - 1));
  return most * (0.5 + random / 2);
}
