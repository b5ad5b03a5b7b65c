import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import { SHARD_COUNT } from "../lib/message-id.ts";
import { tellConfiguration } from "./configuration.ts";
import { createHeartbeat } from "./heartbeat.ts";
import { createRounds } from "./rounds.ts";
import { endOwners, freeShards, type ShardRow, takeShards } from "./store.ts";

const RENEW_MS = 500;
/** Answers of carriers that take longer come to an owner that records them all the same. */
const LEAVE_MS_MAX = 2 * SECOND;

export type ShardLeases = {
  /** The epoch under which we own the shard now; nothing when the right has ended. */
  readonly epochOf: (shard: number) => bigint | undefined;
  /** Whether every shard is ours: then nobody else sends anything. */
  readonly holdsAll: () => boolean;
  /** As the heartbeat's: for what else we hold by it. */
  readonly life: () => number | undefined;
  readonly close: () => Promise<void>;
};

export type ShardLeaseNeeds = {
  readonly sql: Sql;
  readonly owner: string;
  readonly now: () => number;
  /**
   * Shards that are ours since this moment, and until when others may have sent for them (monotonic
   * ms): their limiters wait a window from there.
   */
  readonly onGained: (shards: readonly number[], lapsedAt: number) => void;
  /**
   * Shards to claim nothing of any more. They stay ours until it resolves, for what is claimed
   * already, and at most two seconds. Without it nothing is left: what is under way would be sent twice.
   */
  readonly onLeaving?: (shards: readonly number[]) => Promise<void>;
  /** The configuration has another version than at the last call that resolved. */
  readonly onConfiguration?: (version: bigint) => Promise<void>;
  readonly onError: (error: unknown) => void;
};

/**
 * Holds our part of the shards as long as our heartbeat lives. Whoever has more than an equal part
 * leaves some, whoever has fewer takes what is free.
 */
export async function holdShards(app: ShardLeaseNeeds): Promise<ShardLeases> {
  const heartbeat = createHeartbeat(app);
  const held = new Map<number, bigint>();
  const leaving = new Set<number>();
  let heldLife = 0;
  let isClosed = false;
  const configuration = tellConfiguration({
    onChange: async (version) => app.onConfiguration?.(version),
    onError: app.onError,
  });

  const renew = async () => {
    const beat = await heartbeat.renew();
    configuration.see(beat.version);
    // A new life begins with nothing, and so do we after a restore of the database from before.
    if (beat.life !== heldLife || beat.owned < held.size) {
      held.clear();
      leaving.clear();
      heldLife = beat.life;
    }
    if (beat.ended > 0) await endOwners(app.sql);
    // Shards that have left, and such as a lost answer gave us without our knowing.
    if (beat.owned > held.size) await freeShards(app.sql, app.owner, [...held.keys()]);
    const part = Math.ceil(SHARD_COUNT / beat.live);
    const staying = held.size - leaving.size;
    if (staying > part && app.onLeaving !== undefined) leave(staying - part);
    else if (held.size < part && beat.free + beat.ended > 0) await take(part - held.size);
  };
  const rounds = createRounds({ everyMs: RENEW_MS, run: renew, onError: app.onError });

  const take = async (count: number) => {
    const rows = await takeShards(app.sql, { owner: app.owner, count });
    for (const { shard, epoch } of rows) held.set(shard, epoch);
    const gained = rows.map((row) => row.shard);
    if (gained.length > 0) app.onGained(gained, performance.now() - lapsedMs(rows));
  };

  const leave = (count: number) => {
    const shards = [...held.keys()].filter((shard) => !leaving.has(shard)).slice(-count);
    for (const shard of shards) leaving.add(shard);
    const left = app.onLeaving?.(shards).catch(app.onError);
    void withinBound(left, LEAVE_MS_MAX).then(() => {
      for (const shard of shards) if (leaving.delete(shard)) held.delete(shard);
      rounds.runNow().catch(app.onError);
    });
  };

  await rounds.runNow().catch(async (error: unknown) => {
    await rounds.close();
    throw error;
  });
  return {
    epochOf: (shard) => (heartbeat.life() === heldLife && !isClosed ? held.get(shard) : undefined),
    holdsAll: () =>
      held.size - leaving.size === SHARD_COUNT && heartbeat.life() === heldLife && !isClosed,
    life: heartbeat.life,
    close: async () => {
      isClosed = true;
      await rounds.close();
      await configuration.close();
      await heartbeat.end();
    },
  };
}

/** Since when nobody sends for them: since the end of the last owner's right. */
function lapsedMs(rows: readonly ShardRow[]): number {
  return Math.max(0, Math.min(...rows.map((row) => row.lapsedMs)));
}

async function withinBound(work: Promise<void> | undefined, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((done) => {
    timer = setTimeout(done, ms);
  });
  await Promise.race([work, bound]);
  clearTimeout(timer);
}
