import type { Sql } from "../db/sql.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, MINUTE, SECOND } from "../lib/clock.ts";
import type { Hosts } from "./hosts.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { deleteRetries, postponeRetry, type Retry, takeDueRetries } from "./store.ts";
import type { Verdict } from "./verdict.ts";

/** Runs webhooks that wait in `retries` when they are due. */
export type RetryQueue = {
  notify: () => void;
  /** Writes what follows from an attempt into the webhook's row. */
  settle: (row: Pick<Retry, "retry" | "host" | "attempt">, verdict: Verdict) => Promise<void>;
  state: () => { running: number; lastError: string | undefined };
  close: () => Promise<void>;
};

const POLL_MS = SECOND;
const TAKEN_MAX = 500;
/** Longer than the longest call with its wait, so that a row in work is not taken twice. */
export const HIDDEN_MS = 2 * MINUTE;
const WAIT_FOR_SLOT_MAX_MS = MINUTE / 2;
const DELETES_MAX = 1_000;
const ROOM_AGAIN_MS = SECOND;

export function createRetryQueue(app: {
  sql: Sql;
  clock: Clock;
  hosts: Hosts;
  random: () => number;
  attempt: (row: Retry) => Promise<Verdict>;
}): RetryQueue {
  const running = new Set<Promise<void>>();
  let lastError: string | undefined;
  const later = (ms: number) => new Date(app.clock().getTime() + ms);

  const deletes = createBatcher<bigint, undefined>({
    batchMax: DELETES_MAX,
    run: async (retries) => {
      await deleteRetries(app.sql, retries);
      return retries.map(() => undefined);
    },
  });

  const settle: RetryQueue["settle"] = async ({ retry, host, attempt }, verdict) => {
    if (verdict.kind === "skipped") {
      const dueAt = app.hosts.closedUntil(host) ?? later(ROOM_AGAIN_MS);
      return postponeRetry(app.sql, retry, { dueAt, attempt, host });
    }
    const made = attempt + 1;
    const delayMs =
      verdict.kind === "again" ? retryDelayMs(made, app.random(), verdict.retryAfterMs) : undefined;
    if (delayMs === undefined) return deletes.add(retry);
    return postponeRetry(app.sql, retry, { dueAt: later(delayMs), attempt: made, host });
  };

  const work = async (row: Retry) => {
    const takenAt = app.clock().getTime();
    let verdict: Verdict = { kind: "skipped" };
    const call = app.hosts.run(row.host, async () => {
      const waitedMs = app.clock().getTime() - takenAt;
      const isOpen = app.hosts.closedUntil(row.host) !== undefined;
      if (isOpen || waitedMs > WAIT_FOR_SLOT_MAX_MS) return undefined;
      verdict = await app.attempt(row);
      return verdict.kind === "skipped" ? undefined : verdict.isHostWell;
    });
    await call;
    await settle(row, verdict);
  };

  const takeOnce = async () => {
    const rows = await takeDueRetries(app.sql, {
      now: app.clock(),
      hiddenUntil: later(HIDDEN_MS),
      exceptHosts: app.hosts.full(),
      limit: TAKEN_MAX,
    });
    for (const row of rows) {
      const task: Promise<void> = work(row)
        .catch((error: unknown) => {
          // The row stands hidden and comes again.
          lastError = String(error);
        })
        .finally(() => running.delete(task));
      running.add(task);
    }
    return rows.length === TAKEN_MAX;
  };

  const loop = createLoop(POLL_MS, async () => {
    try {
      return await takeOnce();
    } catch (error) {
      lastError = String(error);
      return false;
    }
  });

  return {
    notify: loop.notify,
    settle,
    state: () => ({ running: running.size, lastError }),
    close: async () => {
      await loop.close();
      await Promise.allSettled([...running]);
      await deletes.close();
    },
  };
}

/** Calls `step` each `pollMs`, at once when notified, and again while it returns true. */
function createLoop(pollMs: number, step: () => Promise<boolean>) {
  let isRunning = false;
  let isWanted = false;
  let isClosed = false;
  let done: Promise<void> = Promise.resolve();
  const run = async () => {
    isRunning = true;
    do {
      isWanted = false;
      if (await step()) isWanted = true;
    } while (isWanted && !isClosed);
    isRunning = false;
  };
  const notify = () => {
    isWanted = true;
    if (!isRunning && !isClosed) done = run();
  };
  const timer = setInterval(notify, pollMs);
  notify();
  return {
    notify,
    close: () => {
      isClosed = true;
      clearInterval(timer);
      return done;
    },
  };
}
