import { expect } from "vitest";

/** In a row, a second apart: a lane that is not paused yet keeps none so long. */
const WAITING = 3;

/**
 * Resolves with the first text that waits in a lane that was paused: the pause is in force within a
 * second, and what is sent before leaves.
 */
export async function firstWaiting(
  send: () => Promise<{ readonly sid: string }>,
  statusOf: (sid: string) => Promise<string>,
): Promise<string> {
  const sids: string[] = [];
  const waiting = async () => {
    const statuses = await Promise.all(sids.map(statusOf));
    const from = statuses.findLastIndex((status) => status !== "queued") + 1;
    if (sids.length - from < WAITING) sids.push((await send()).sid);
    return sids.slice(from);
  };
  await expect.poll(async () => (await waiting()).length, { interval: 1_000 }).toBe(WAITING);
  return (await waiting())[0] ?? "";
}
