import type { Sql } from "../db/sql.ts";
import { closeWriters, insertWriter } from "./store.ts";

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

export function createEventWriter(app: { sql: Sql; owner: string }): EventWriter {
  let writer: bigint | undefined;
  let nextSeq = 1n;
  let last: Promise<unknown> = Promise.resolve();

  const runNext = async <Result>(count: number, run: (stamp: Stamp) => Promise<Result>) => {
    if (writer === undefined) {
      writer = await insertWriter(app.sql, app.owner);
      nextSeq = 1n;
    }
    const stamp = { writer, firstSeq: nextSeq };
    nextSeq += BigInt(count);
    try {
      return await run(stamp);
    } catch (error) {
      // Whether the batch was committed is not certain, so its numbers are not used again.
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
      if (writer !== undefined) await closeWriters(app.sql, [writer]);
    },
  };
}
