import type { Sql } from "../db/sql.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, MINUTE, SECOND } from "../lib/clock.ts";
import type { Hosts } from "./hosts.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { type NextTry, type Retry, settleRetries, takeDueRetries } from "./store.ts";
import type { Verdict } from "./verdict.ts";

/** Runs webhooks that wait in `retries` when they are due. */
export type RetryQueue = {
  notify: () => void;
  /** Writes what follows from an attempt into the webhook's row. */
  settle: (row: Attempted, verdict: Verdict) => Promise<void>;
  state: () => { running: number; lastError: string | undefined };
  close: () => Promise<void>;
};

type Attempted = Pick<Retry, "retry" | "host" | "attempt">;

type Needs = {
  sql: Sql;
  clock: Clock;
  hosts: Hosts;
  random: () => number;
  attempt: (row: Retry) => Promise<Verdict>;
};

const POLL_MS = SECOND;
const TAKEN_MAX = 500;
/** Retries in work, in all and for one host before no more of it are taken: the rest of its queue is for first attempts. */
const RUNNING_MAX = 10_000;
const RUNNING_PER_HOST = 500;
/** Longer than the longest call with its wait, so that a row in work is not taken twice. */
export const HIDDEN_MS = 2 * MINUTE;
const WAIT_FOR_SLOT_MAX_MS = MINUTE / 2;
const SETTLED_MAX = 1_000;
const ROOM_AGAIN_MS = SECOND;

export function createRetryQueue(app: Needs): RetryQueue {
  const running = createTasks();
  let lastError: string | undefined;
  const note = (error: unknown) => {
    lastError = String(error);
  };

  const settlements = createBatcher<NextTry, undefined>({
    batchMax: SETTLED_MAX,
    run: async (rows) => {
      await settleRetries(app.sql, rows);
      return rows.map(() => undefined);
    },
  });
  const settle: RetryQueue["settle"] = (row, verdict) =>
    settlements.add(nextTry(app, row, verdict));

  const takeOnce = async () => {
    const now = app.clock();
    const limit = Math.min(TAKEN_MAX, RUNNING_MAX - running.size());
    if (limit <= 0) return false;
    const rows = await takeDueRetries(app.sql, {
      ...{ now, hiddenUntil: new Date(now.getTime() + HIDDEN_MS), limit },
      exceptHosts: running.hostsAbove(RUNNING_PER_HOST),
    });
    for (const row of rows) {
      const work = async () => settle(row, await attemptAtHost(app, row));
      // When it fails, the row stands hidden and comes again.
      running.add(row.host, work().catch(note));
    }
    return rows.length === limit;
  };
  const loop = createLoop(POLL_MS, () =>
    takeOnce().catch((error: unknown) => {
      note(error);
      return false;
    }),
  );

  return {
    notify: loop.notify,
    settle,
    state: () => ({ running: running.size(), lastError }),
    close: async () => {
      await loop.close();
      await running.ended();
      await settlements.close();
    },
  };
}

async function attemptAtHost(app: Needs, row: Retry): Promise<Verdict> {
  const takenAt = app.clock().getTime();
  let verdict: Verdict = { kind: "skipped" };
  await app.hosts.run(row.host, async () => {
    const waitedMs = app.clock().getTime() - takenAt;
    const isOpen = app.hosts.closedUntil(row.host) !== undefined;
    if (isOpen || waitedMs > WAIT_FOR_SLOT_MAX_MS) return undefined;
    verdict = await app.attempt(row);
    return verdict.kind === "skipped" ? undefined : verdict.isHostWell;
  });
  return verdict;
}

function nextTry(app: Needs, { retry, host, attempt }: Attempted, verdict: Verdict): NextTry {
  const later = (ms: number) => new Date(app.clock().getTime() + ms);
  if (verdict.kind === "skipped") {
    return { retry, attempt, dueAt: app.hosts.closedUntil(host) ?? later(ROOM_AGAIN_MS) };
  }
  const made = attempt + 1;
  const delayMs =
    verdict.kind === "again" ? retryDelayMs(made, app.random(), verdict.retryAfterMs) : undefined;
  return { retry, attempt: made, dueAt: delayMs === undefined ? undefined : later(delayMs) };
}

/** The retries in work, counted by host. */
function createTasks() {
  const tasks = new Set<Promise<void>>();
  const counts = new Map<string, number>();
  const count = (host: string, change: 1 | -1) => {
    const now = (counts.get(host) ?? 0) + change;
    if (now === 0) counts.delete(host);
    else counts.set(host, now);
  };
  return {
    add: (host: string, work: Promise<void>) => {
      count(host, 1);
      const task: Promise<void> = work.finally(() => {
        count(host, -1);
        tasks.delete(task);
      });
      tasks.add(task);
    },
    size: () => tasks.size,
    hostsAbove: (bound: number) =>
      [...counts].filter(([, tasksOfHost]) => tasksOfHost >= bound).map(([host]) => host),
    ended: async () => {
      await Promise.allSettled([...tasks]);
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
