import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import { createBell } from "./bell.ts";
import { createPositions } from "./positions.ts";
import { selectSharedEvents } from "./share-store.ts";
import { createShares } from "./shares.ts";
import type { LogEvent } from "./store.ts";

/**
 * Reads the log under a name, each event at least once. The processes that do so share the
 * messages: one's events are read by one process at a time, in their order.
 */
export type EventReader = {
  /** Something was committed: read now instead of at the next poll. */
  notify: () => void;
  state: () => {
    /** How many of the shares this process reads. */
    shares: number;
    /** Other processes that read under the name. */
    others: number;
    lastError: string | undefined;
  };
  /** Resolves when the batch under way is done. */
  close: () => Promise<void>;
};

export type EventReaderOptions = {
  sql: Sql;
  reader: string;
  batchMax: number;
  pollMs: number;
  /** When it rejects, the same events come again; so do, after a crash, those of the last moment. */
  onBatch: (events: readonly LogEvent[]) => Promise<void>;
};

/** Positions are written down so often: what was read since then comes again after a crash. */
const WRITE_MS = SECOND / 4;
const PASS_EVERY_POLLS = 60;

export function createEventReader(options: EventReaderOptions): EventReader {
  const { sql, reader } = options;
  let isClosed = false;
  let lastError: string | undefined;
  let lastWriter = 0n;
  let isBehind = false;
  let emptyPolls = 0;
  let writtenAt = 0;
  const bell = createBell();
  const note = (error: unknown) => {
    lastError = String(error);
  };
  const shares = createShares({ sql, reader, onGained: bell.ring, onError: note });
  const positions = createPositions({ sql, reader });
  const exchange = createExchange(shares, positions);

  const write = async () => {
    await positions.write();
    writtenAt = performance.now();
  };

  const read = () =>
    selectSharedEvents(sql, positions.shares(), {
      ...{ floors: positions.floors(), done: positions.done() },
      ...{ afterWriter: lastWriter, limit: options.batchMax, oldestFirst: isBehind },
    });

  /** All that is unread, in any order; the oldest where there is more than a batch. */
  const readBatch = async () => {
    const events = await read();
    const isFull = events.length === options.batchMax;
    if (isFull === isBehind) return events;
    isBehind = isFull;
    return isFull ? read() : events;
  };

  const readOnce = async (): Promise<boolean> => {
    await exchange();
    if (positions.shares().length === 0) return false;
    const events = await readBatch();
    const unread = events.filter(positions.isUnread);
    if (unread.length > 0) await options.onBatch(unread);
    positions.advance(events);
    lastWriter = events.at(-1)?.writer ?? 0n;
    const isMore = events.length === options.batchMax;
    if (events.length === 0 || performance.now() > writtenAt + WRITE_MS) await write();
    if (events.length > 0) return isMore;
    if (emptyPolls % PASS_EVERY_POLLS === 0) await positions.passOthers();
    emptyPolls += 1;
    return false;
  };

  const run = async () => {
    await shares.start();
    while (!isClosed) {
      let isMore = false;
      try {
        isMore = await readOnce();
        lastError = undefined;
      } catch (error) {
        // The database or the consumer is in trouble; the positions stand, so nothing is lost.
        note(error);
        await new Promise((done) => setTimeout(done, options.pollMs));
      }
      const waitMs = positions.isWritten() ? options.pollMs : WRITE_MS;
      if (!isMore && !isClosed) await bell.wait(waitMs);
    }
    await positions.write().catch(note);
    await shares.end();
  };
  const done = run();

  return {
    notify: bell.ring,
    state: () => ({ shares: shares.held().size, others: shares.live() - 1, lastError }),
    close: () => {
      isClosed = true;
      bell.ring();
      return done;
    },
  };
}

/** Takes up the shares that were gained, between two batches, and lets go of those that others are to have. */
function createExchange(
  shares: ReturnType<typeof createShares>,
  positions: ReturnType<typeof createPositions>,
) {
  const known = new Map<number, number>();
  const forget = (which: readonly number[]) => {
    positions.forget(which);
    for (const share of which) known.delete(share);
  };
  return async () => {
    const held = shares.held();
    forget([...known].flatMap(([share, time]) => (held.get(share) === time ? [] : [share])));
    const surplus = shares.surplus();
    if (surplus.length > 0) {
      await positions.write();
      forget(surplus);
      await shares.give(surplus);
    }
    const gained = [...held].filter(([share]) => !known.has(share) && !surplus.includes(share));
    if (gained.length === 0) return;
    await positions.take(gained.map(([share]) => share));
    for (const [share, time] of gained) known.set(share, time);
  };
}
