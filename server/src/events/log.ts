import type { Sql } from "../db/sql.ts";
import { MINUTE } from "../lib/clock.ts";
import { closeFailedWriters, closeWriters, insertWriter } from "./store.ts";

/** Where a batch's events go in the log: its writer and the number of its first event. */
export type Stamp = { readonly writer: bigint; readonly firstSeq: bigint };

/**
 * One writer of the log. Its batches commit one after the other, so that a reader's single
 * position per writer never skips an event.
 */
export type EventWriter = {
  /** Runs one batch of at most `count` events. Calls queue up behind each other. */
  commit: <Result>(count: number, run: (stamp: Stamp) => Promise<Result>) => Promise<Result>;
  close: () => Promise<void>;
};

export type EventWriterNeeds = {
  readonly sql: Sql;
  readonly owner: string;
  /** How long a failed batch may be on its way to PostgreSQL before its transaction begins. */
  readonly failedBatchMs?: number;
};

/** Far beyond any network's and pooler's delay. */
const FAILED_BATCH_MS = MINUTE;

export function createEventWriter(app: EventWriterNeeds): EventWriter {
  let writer: bigint | undefined;
  let nextSeq = 1n;
  let last: Promise<unknown> = Promise.resolve();
  const failed = keepFailed(app);

  const runNext = async <Result>(count: number, run: (stamp: Stamp) => Promise<Result>) => {
    if (writer === undefined) {
      writer = await insertWriter(app.sql, app.owner);
      nextSeq = 1n;
    }
    const stamp = { writer, firstSeq: nextSeq };
    nextSeq += BigInt(count);
    try {
      const result = await run(stamp);
      failed.closeSoon();
      return result;
    } catch (error) {
      // Whether the batch was committed is not certain, so its numbers are not used again.
      failed.add(writer);
      writer = undefined;
      throw error;
    }
  };

  return {
    commit: (count, run) => {
      const result = last.then(() => runNext(count, run));
      last = result.catch(() => undefined);
      return result;
    },
    close: async () => {
      await last;
      await failed.close();
      if (writer !== undefined) await closeWriters(app.sql, [writer]);
    },
  };
}

/** For batches of which none follows another: each goes to the writer with the fewest before it. */
export function spreadOver(writers: readonly EventWriter[]): EventWriter {
  const lines = writers.map((writer) => ({ writer, length: 0 }));
  return {
    commit: async (count, run) => {
      const line = lines.reduce((best, one) => (one.length < best.length ? one : best));
      line.length += 1;
      try {
        return await line.writer.commit(count, run);
      } finally {
        line.length -= 1;
      }
    },
    close: async () => {
      await Promise.all(writers.map((writer) => writer.close()));
    },
  };
}

/**
 * Writers whose last batch failed. Readers stop looking at a closed one, and a batch whose COMMIT
 * was lost may still run: so they are closed only once PostgreSQL is known to have ended it. What
 * is left at the end of the process, the hour's chores close.
 */
function keepFailed(app: EventWriterNeeds) {
  const waitMs = app.failedBatchMs ?? FAILED_BATCH_MS;
  let writers: bigint[] = [];
  let lastFailedAt = 0;
  let triedAt = 0;
  let closing: Promise<void> = Promise.resolve();

  const close = async (agoMs: number) => {
    const closed = await closeFailedWriters(app.sql, [...writers], agoMs);
    writers = writers.filter((writer) => !closed.includes(writer));
  };

  return {
    add: (writer: bigint) => {
      writers.push(writer);
      lastFailedAt = performance.now();
    },
    /** After a batch that succeeded: costs nothing unless a writer waits and its time has come. */
    closeSoon: () => {
      const now = performance.now();
      if (writers.length === 0 || now < Math.max(lastFailedAt, triedAt) + waitMs) return;
      triedAt = now;
      // PostgreSQL may be away again: the next batch after another minute tries, too.
      closing = close(waitMs).catch(() => undefined);
    },
    close: () => closing,
  };
}
