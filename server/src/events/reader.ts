import { randomUUID } from "node:crypto";
import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import {
  finishClosedWriters,
  holdReaderLease,
  type LogEvent,
  type Position,
  releaseReaderLease,
  selectEventsToRead,
  upsertCursors,
} from "./store.ts";

/** Reads the log under a name, in one process at a time, each event at least once. */
export type EventReader = {
  /** Something was committed: read now instead of at the next poll. */
  notify: () => void;
  state: () => { isHolder: boolean; lastError: string | undefined };
  /** Resolves when the batch under way is done. */
  close: () => Promise<void>;
};

export type EventReaderOptions = {
  sql: Sql;
  reader: string;
  batchMax: number;
  pollMs: number;
  /** The positions are kept after it resolves; when it rejects, the same events come again. */
  onBatch: (events: readonly LogEvent[]) => Promise<void>;
};

const LEASE_SECONDS = 10;
const LEASE_RENEWAL_MS = 2 * SECOND;
const FINISH_EVERY_POLLS = 60;

export function createEventReader(options: EventReaderOptions): EventReader {
  const owner = randomUUID();
  let isHolder = false;
  let isClosed = false;
  let lastError: string | undefined;
  let lastWriter = 0n;
  let emptyPolls = 0;
  const bell = createBell();

  const renew = async () => {
    try {
      const { sql, reader } = options;
      isHolder = await holdReaderLease(sql, { reader, owner, seconds: LEASE_SECONDS });
    } catch (error) {
      isHolder = false;
      lastError = String(error);
    }
  };

  const readOnce = async (): Promise<boolean> => {
    const { sql, reader, batchMax: limit } = options;
    const events = await selectEventsToRead(sql, reader, { afterWriter: lastWriter, limit });
    if (events.length === 0) {
      if (emptyPolls % FINISH_EVERY_POLLS === 0) await finishClosedWriters(sql, reader);
      emptyPolls += 1;
      return false;
    }
    await options.onBatch(events);
    await upsertCursors(sql, reader, lastPositions(events));
    lastWriter = events.at(-1)?.writer ?? 0n;
    return events.length === limit;
  };

  const run = async () => {
    await renew();
    const renewal = setInterval(() => void renew(), LEASE_RENEWAL_MS);
    while (!isClosed) {
      let isMore = false;
      try {
        isMore = isHolder && (await readOnce());
        if (isHolder) lastError = undefined;
      } catch (error) {
        // The database or the consumer is in trouble; the cursor stands, so nothing is lost.
        lastError = String(error);
        await bell.pause(options.pollMs);
      }
      if (!isMore && !isClosed) await bell.wait(options.pollMs);
    }
    clearInterval(renewal);
    await releaseReaderLease(options.sql, options.reader, owner).catch(() => undefined);
  };
  const done = run();

  return {
    notify: bell.ring,
    state: () => ({ isHolder, lastError }),
    close: () => {
      isClosed = true;
      bell.ring();
      return done;
    },
  };
}

/** A wait that a ring ends early; a ring that nobody waits for is kept for the next wait. */
function createBell() {
  let wake: (() => void) | undefined;
  let isRung = false;
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  return {
    ring: () => {
      isRung = true;
      wake?.();
    },
    pause,
    wait: async (ms: number) => {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      isRung = false;
    },
  };
}

function lastPositions(events: readonly LogEvent[]): Position[] {
  const positions = new Map<bigint, Position>();
  for (const { writer, seq, day } of events) positions.set(writer, { writer, seq, day });
  return [...positions.values()];
}
