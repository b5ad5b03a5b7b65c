import type { Sql } from "../db/sql.ts";
import { type Beat, endOwners, insertOwner, renewOwner } from "./store.ts";

const TTL_MS = 2_000;
/** We stop before the others may begin. */
const MARGIN_MS = 300;

export type Heartbeat = {
  /** Renews our right to everything we hold, and tells who else is there. */
  readonly renew: () => Promise<Beat & { readonly life: number }>;
  /**
   * Which of our lives this is: what was held in an earlier one may be another's. Nothing when our
   * heartbeat may have expired.
   */
  readonly life: () => number | undefined;
  /** Gives everything back at once: nobody need wait for the end. */
  readonly end: () => Promise<void>;
};

export type HeartbeatNeeds = {
  readonly sql: Sql;
  readonly owner: string;
  readonly now: () => number;
  readonly monotonic?: () => number;
};

/**
 * One row on the database's clock. We trust it until the earlier of our monotonic and our wall
 * clock's deadline, counted from before the renewal was sent, so that a process that was frozen
 * stops by itself.
 */
export function createHeartbeat(app: HeartbeatNeeds): Heartbeat {
  const monotonic = app.monotonic ?? (() => performance.now());
  let life = 0;
  let until = { monotonic: 0, wall: 0 };

  const beatOnce = async () => {
    const trusted = TTL_MS - MARGIN_MS;
    const deadline = { monotonic: monotonic() + trusted, wall: app.now() + trusted };
    const beat = await renewOwner(app.sql, { owner: app.owner, ttlMs: TTL_MS });
    if (beat !== undefined) until = deadline;
    return beat;
  };

  return {
    renew: async () => {
      const beat = await beatOnce();
      if (beat !== undefined) return { ...beat, life };
      life += 1;
      await insertOwner(app.sql, { owner: app.owner, ttlMs: TTL_MS });
      const first = await beatOnce();
      if (first === undefined) throw new Error(`The heartbeat of ${app.owner} came too late.`);
      return { ...first, life };
    },
    life: () => (monotonic() < until.monotonic && app.now() < until.wall ? life : undefined),
    end: async () => {
      until = { monotonic: 0, wall: 0 };
      await endOwners(app.sql, app.owner);
    },
  };
}
