import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import type { Flight } from "./flight.ts";
import { type Deferral, deferClaims, moveDue, nextDueAt } from "./later-store.ts";
import type { LaneRow, QueuedRow } from "./queue-store.ts";
import type { WaitCause } from "./wait-causes.ts";

const DEFER_BATCH_MAX = 500;
const MOVE_BATCH_MAX = 500;
/** A rule that says "later" and means "now" must not make a message go round and round. */
const WAIT_MS_MIN = 1 * SECOND;
/** What comes due sooner has a timer; for the rest the next sweep is soon enough. */
const TIMER_MS_MAX = 1 * SECOND;

export type Wait = {
  readonly notBefore: Date;
  readonly why: WaitCause;
  /** Of its next submission; the same as this one's when nothing of it was submitted. */
  readonly attempt?: number;
};

/** Messages that wait for an instant instead of their turn, in the table `later`. */
export type Later = {
  /** Takes a claimed message back, until the instant or the end of its validity. Its lane goes on. */
  readonly defer: (flight: Pick<Flight, "claim" | "message" | "submissions">, wait: Wait) => void;
  /** Puts what has come due into the queue, and looks again when the next one does. */
  readonly moveDue: () => Promise<void>;
  /** Resolves when everything deferred is stored. */
  readonly close: () => Promise<void>;
};

export type LaterNeeds = {
  readonly hot: Sql;
  readonly clock: Clock;
  readonly owner: string;
  readonly writer: EventWriter;
  readonly ownedShards: () => readonly number[];
  readonly onDeferred: (deferral: Deferral) => void;
  readonly onDue: (rows: readonly (QueuedRow & LaneRow)[]) => void;
  readonly isClosed: () => boolean;
  readonly onError: (error: unknown) => void;
};

export function createLater(app: LaterNeeds): Later {
  let timer: NodeJS.Timeout | undefined;
  let moving: Promise<void> = Promise.resolve();
  let isClosing = false;

  const batcher = createBatcher<Deferral, undefined>({
    batchMax: DEFER_BATCH_MAX,
    run: async (deferrals) => {
      await untilStored(
        () =>
          app.writer.commit(deferrals.length, (stamp) =>
            deferClaims(app.hot, deferrals, app.owner, stamp),
          ),
        app.isClosed,
      );
      for (const deferral of deferrals) app.onDeferred(deferral);
      return deferrals.map(() => undefined);
    },
  });

  const move = async () => {
    const shards = app.ownedShards();
    if (isClosing || shards.length === 0) return;
    for (let count = MOVE_BATCH_MAX; count === MOVE_BATCH_MAX && !isClosing; ) {
      const now = app.clock();
      const rows = await moveDue(app.hot, { shards, now, limit: MOVE_BATCH_MAX });
      count = rows.length;
      if (count > 0) app.onDue(rows);
    }
    const dueAt = await nextDueAt(app.hot, shards);
    if (dueAt !== undefined) moveAt(dueAt);
  };

  const moveSoon = () => {
    moving = moving.then(move).catch(app.onError);
    return moving;
  };

  const moveAt = (dueAt: Date) => {
    clearTimeout(timer);
    const ms = dueAt.getTime() - app.clock().getTime();
    if (isClosing || ms > TIMER_MS_MAX) return;
    timer = setTimeout(() => void moveSoon(), Math.max(1, ms));
  };

  return {
    defer: ({ claim, message, submissions }, { notBefore, why, attempt = claim.attempt }) => {
      const ends = Math.min(notBefore.getTime(), claim.validUntil.getTime());
      const dueAt = new Date(Math.max(ends, app.clock().getTime() + WAIT_MS_MIN));
      const again = { ...claim, attempt };
      batcher
        .add({ claim: again, account: message.account, dueAt, why, submissions })
        .catch(app.onError);
    },
    moveDue: moveSoon,
    close: async () => {
      isClosing = true;
      clearTimeout(timer);
      await moving;
      await batcher.close();
    },
  };
}
