import type { Sql } from "../db/sql.ts";
import { SHARD_COUNT } from "../lib/message-id.ts";
import { releaseLeases, renewLeases } from "./store.ts";

const TTL_MS = 2_000;
const RENEW_MS = 500;
/** We stop before the others may begin. */
const MARGIN_MS = 300;
/** A limiter's window: the last owner may have sent up to the end of its right. */
const WINDOW_MS = 1_000;

export type ShardLeases = {
  /** The epoch under which we own the shard now; nothing when the right has ended. */
  readonly epochOf: (shard: number) => bigint | undefined;
  readonly close: () => Promise<void>;
};

type Held = { epoch: bigint; until: { monotonic: number; wall: number } };

/**
 * Holds shards by lease rows on the database's clock. A right ends at the earlier of our monotonic
 * and our wall clock's deadline, counted from before the renewal was sent, so that a process that
 * was frozen stops by itself.
 */
export async function holdShards(app: {
  sql: Sql;
  owner: string;
  now: () => number;
  /** Shards that are ours since this moment, and when their limiters may start (monotonic ms). */
  onGained: (shards: readonly number[], notBefore: number) => void;
  onError: (error: unknown) => void;
}): Promise<ShardLeases> {
  const held = new Map<number, Held>();
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const renew = async () => {
    const until = {
      monotonic: performance.now() + TTL_MS - MARGIN_MS,
      wall: app.now() + TTL_MS - MARGIN_MS,
    };
    const lease = { kind: "shard", count: SHARD_COUNT, owner: app.owner, ttlMs: TTL_MS };
    const rows = await renewLeases(app.sql, lease);
    const gained: number[] = [];
    let lapsedMs = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      if (held.get(row.number)?.epoch !== row.epoch) {
        gained.push(row.number);
        lapsedMs = Math.min(lapsedMs, row.lapsedMs);
      }
      held.set(row.number, { epoch: row.epoch, until });
    }
    if (gained.length > 0) {
      app.onGained(gained, performance.now() + Math.max(0, WINDOW_MS - lapsedMs));
    }
  };

  const renewAgain = () => {
    timer = setTimeout(() => {
      renew()
        .catch(app.onError)
        .finally(() => isClosed || renewAgain());
    }, RENEW_MS);
  };

  await renew();
  renewAgain();
  return {
    epochOf: (shard) => {
      const lease = held.get(shard);
      if (lease === undefined || isClosed) return undefined;
      const { monotonic, wall } = lease.until;
      return performance.now() < monotonic && app.now() < wall ? lease.epoch : undefined;
    },
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await releaseLeases(app.sql, app.owner);
    },
  };
}
