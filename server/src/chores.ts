import { KEY_LIFE_MS } from "./api/idempotency.ts";
import { deleteKeysBefore } from "./api/store.ts";
import type { Sql } from "./db/sql.ts";
import { closeLostWriters, deleteReadWriters } from "./events/store.ts";
import { type Clock, DAY, HOUR, MINUTE, utcDay } from "./lib/clock.ts";
import { deleteStickyBefore } from "./messages/assign-store.ts";
import { deleteSpendDaysBefore } from "./spend/cap-store.ts";
import { deleteDaySharesBefore } from "./throughput/day-share-store.ts";
import { takeOneLease } from "./throughput/store.ts";

type Needs = {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Whose slot lease tells that this process lives. */
  readonly owner: string;
  readonly retentionDays: number;
  /** Receives the long texts whose other parts did not come. */
  readonly endWaiting: () => Promise<void>;
  /** Ends the sent messages whose receipts did not come, where that is set. */
  readonly endUnreceipted: () => Promise<unknown>;
};

/** Shorter than the hour, so that the next round is free for whoever comes first. */
const LEASE_MS = 50 * MINUTE;
/** So long a recipient of a messaging service keeps its sender without a text. */
const STICKY_LIFE_MS = 400 * DAY;
/** The rest in the next hour. */
const STICKY_DELETED_MAX = 100_000;

/** Keeps tables bounded that no partition drops: each hour, in one of the processes. */
export function keepChores(app: Needs & { readonly onError: (error: unknown) => void }) {
  let running: Promise<unknown> = Promise.resolve();
  const run = () => {
    running = running.then(() => doChores(app)).catch(app.onError);
  };
  run();
  const timer = setInterval(run, HOUR);
  timer.unref();
  return {
    close: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

/** Does the hour's chores, unless a process did them already; tells whether it did. */
export async function doChores(app: Needs): Promise<boolean> {
  const { sql, owner } = app;
  const lease = { kind: "chores", count: 1, owner, ttlMs: LEASE_MS };
  if ((await takeOneLease(sql, lease)) === undefined) return false;
  await deleteKeysBefore(sql, new Date(app.clock().getTime() - KEY_LIFE_MS));
  await closeLostWriters(sql);
  const dayBefore = utcDay(new Date(app.clock().getTime() - 2 * DAY));
  await deleteSpendDaysBefore(sql, dayBefore);
  await deleteDaySharesBefore(sql, dayBefore);
  await deleteReadWriters(sql, app.retentionDays);
  const stickyBefore = new Date(app.clock().getTime() - STICKY_LIFE_MS);
  await deleteStickyBefore(sql, stickyBefore, STICKY_DELETED_MAX);
  await app.endWaiting();
  await app.endUnreceipted();
  return true;
}
