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
  let isClosed = false;
  let lastError: string | undefined;
  let lastWriter = 0n;
  let emptyPolls = 0;
  const bell = createBell();
  const note = (error: unknown) => {
    lastError = String(error);
  };
  const lease = createLease(options, note);

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
    await lease.start();
    while (!isClosed) {
      let isMore = false;
      try {
        isMore = lease.isHeld() && (await readOnce());
        if (lease.isHeld()) lastError = undefined;
      } catch (error) {
        // The database or the consumer is in trouble; the cursor stands, so nothing is lost.
        note(error);
        await bell.pause(options.pollMs);
      }
      if (!isMore && !isClosed) await bell.wait(options.pollMs);
    }
    await lease.end();
  };
  const done = run();

  return {
    notify: bell.ring,
    state: () => ({ isHolder: lease.isHeld(), lastError }),
    close: () => {
      isClosed = true;
      bell.ring();
      return done;
    },
  };
}

/** The right to read under the name, renewed while the reader runs. */
function createLease({ sql, reader }: EventReaderOptions, onError: (error: unknown) => void) {
  const owner = randomUUID();
  let isHeld = false;
  let timer: NodeJS.Timeout | undefined;
  let renewal: Promise<void> | undefined;
  const renew = async () => {
    try {
      isHeld = await holdReaderLease(sql, { reader, owner, seconds: LEASE_SECONDS });
    } catch (error) {
      isHeld = false;
      onError(error);
    }
  };
  return {
    isHeld: () => isHeld,
    start: async () => {
      await renew();
      timer = setInterval(() => {
        renewal = renew();
      }, LEASE_RENEWAL_MS);
    },
    end: async () => {
      clearInterval(timer);
      await renewal; // it would take again what is released before it
      await releaseReaderLease(sql, reader, owner).catch(() => undefined);
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
