import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import type { Claimer } from "./claimer.ts";
import { recoverClaims } from "./dispatch-store.ts";

/**
 * So long after a shard changed hands its claims stay as they are: a database that was away ends
 * everybody's leases at once, and who is back with it first must not take for lost what the others
 * are about to record. Longer than a process needs to reconnect and write.
 */
const GRACE_MS = 3 * SECOND;

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
  readonly claimer: Pick<Claimer, "takenBefore">;
}): Doubts {
  const gainedAt = new Map<number, number>();
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
    },
  };
}
