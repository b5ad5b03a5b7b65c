import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import type { Claimer } from "./claimer.ts";
import { findOldClaims, recoverClaims, returnClaims } from "./doubt-store.ts";

/**
 * So long after a shard changed hands its claims stay as they are: a database that was away ends
 * everybody's leases at once, and who is back with it first must not take for lost what the others
 * are about to record. Longer than a process needs to reconnect and write.
 */
const GRACE_MS = 3 * SECOND;

/** How often to look for claims of ours that we do not know. */
const STRAY_MS = 10 * SECOND;
/** Far longer than a claim's statement runs on after its connection has broken. */
const STRAY_AGE_SECONDS = 30;

/** Claims that the last owner of a shard has left behind, whose submissions have no certain answer. */
export type Doubts = {
  readonly gain: (shards: readonly number[]) => void;
  /** Resends or holds, as the account says, what nobody will record any more. */
  readonly recover: (owned: {
    readonly shards: readonly number[];
    readonly epochs: readonly bigint[];
  }) => Promise<void>;
};

export function createDoubts(app: {
  readonly hot: Sql;
  readonly owner: string;
  readonly claimer: Pick<Claimer, "takenBefore" | "isTaken">;
}): Doubts {
  const gainedAt = new Map<number, number>();
  let lookedAt = performance.now();

  /**
   * A claim whose answer was lost is given back at once, but its statement may still run then and
   * be committed after: nobody knows of it, nothing of it has left.
   */
  const returnStray = async (shards: readonly number[]) => {
    if (performance.now() < lookedAt + STRAY_MS) return;
    lookedAt = performance.now();
    const ours = { owner: app.owner, shards, ageSeconds: STRAY_AGE_SECONDS };
    const old = await findOldClaims(app.hot, ours);
    const stray = old.filter((id) => !app.claimer.isTaken(id));
    if (stray.length > 0) await returnClaims(app.hot, stray, app.owner);
  };

  return {
    gain: (shards) => {
      for (const shard of shards) gainedAt.set(shard, performance.now());
    },
    recover: async ({ shards, epochs }) => {
      const before = performance.now() - GRACE_MS;
      const settled = shards.flatMap((shard, index) => {
        const epoch = epochs[index];
        return epoch === undefined || (gainedAt.get(shard) ?? 0) > before ? [] : [{ shard, epoch }];
      });
      if (settled.length === 0) return;
      const epochOf = new Map(settled.map(({ shard, epoch }) => [shard, epoch]));
      await recoverClaims(app.hot, settled, {
        owner: app.owner,
        underWay: app.claimer.takenBefore(epochOf),
      });
      await returnStray(settled.map(({ shard }) => shard));
    },
  };
}
