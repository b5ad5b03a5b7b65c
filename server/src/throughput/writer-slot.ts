import type { Sql } from "../db/sql.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { StartError, unavailable } from "../lib/errors.ts";
import { createIdWriter, type IdWriter, WRITER_SLOT_COUNT } from "../lib/message-id.ts";
import { createRounds } from "./rounds.ts";
import { extendLease, releaseLeases, takeOneLease } from "./store.ts";

/** A process that was killed leaves its slot taken so long. */
const TTL_MS = 30 * SECOND;
/** We stop before another may begin. */
const MARGIN_MS = 3 * SECOND;
const RENEW_MS = 5 * SECOND;
/** Of processes that start at once, one takes the slot that all of them saw free. */
const ATTEMPTS = 10;

export type WriterSlot = {
  /** Refuses with 20503 while the slot may be another's. */
  readonly newId: IdWriter;
  readonly close: () => Promise<void>;
};

export type WriterSlotNeeds = {
  readonly sql: Sql;
  readonly owner: string;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  /** Milliseconds; the process's own by default. */
  readonly monotonic?: () => number;
};

/**
 * The right to make ids: one writer slot, which no other process has. A process that was frozen for
 * longer than its lease takes another one. Throws a StartError when all are taken.
 */
export async function holdWriterSlot(app: WriterSlotNeeds): Promise<WriterSlot> {
  const { sql, owner, monotonic = () => performance.now() } = app;
  const lease = { kind: "slot", owner, ttlMs: TTL_MS };
  let held: { slot: number; write: IdWriter } | undefined;
  let trustedUntil = 0;

  const take = async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const slot = await takeOneLease(sql, { ...lease, count: WRITER_SLOT_COUNT });
      if (slot === undefined) continue;
      held = { slot, write: createIdWriter(slot, () => app.clock().getTime()) };
      return;
    }
    throw new StartError(
      `${WRITER_SLOT_COUNT} Longwave processes run on this database already. Stop one, or wait half a minute after a crash.`,
    );
  };

  const renew = async () => {
    // Counted from before it is asked for, so that it ends with us first.
    const until = monotonic() + TTL_MS - MARGIN_MS;
    const isOurs = held !== undefined && (await extendLease(sql, { ...lease, number: held.slot }));
    if (!isOurs) {
      held = undefined;
      await take();
    }
    trustedUntil = until;
  };
  const rounds = createRounds({ everyMs: RENEW_MS, run: renew, onError: app.onError });
  await rounds.runNow().catch(async (error: unknown) => {
    await rounds.close();
    throw error;
  });

  return {
    newId: (shard, count) => {
      if (held !== undefined && monotonic() < trustedUntil) return held.write(shard, count);
      rounds.runNow().catch(app.onError);
      throw unavailable(
        "The database has not confirmed for half a minute that this process may store texts. Try again.",
      );
    },
    close: async () => {
      await rounds.close();
      await releaseLeases(sql, owner);
    },
  };
}
