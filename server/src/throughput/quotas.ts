import type { Sql } from "../db/sql.ts";
import { SECOND } from "../lib/clock.ts";
import { limitWindow } from "./limiter.ts";
import {
  deleteQuotas,
  lowerQuotas,
  type Quota,
  type QuotaChange,
  raiseQuotas,
  readQuotas,
} from "./quota-store.ts";
import { createRounds } from "./rounds.ts";

const ROUND_MS = 500;
/** Who has not asked for so long sends nothing under the limit; its part goes to the others. */
const IDLE_MS = 10 * SECOND;
/** Where there are fewer segments a second than owners, they take turns, of some windows each. */
const TURN_MS = 10 * SECOND;
const TURN_WINDOWS = 5;

export type Quotas = {
  /**
   * A limit that several owners share, in whole numbers of segments a second; below two it is one
   * owner's at a time. Returns what tells our part of it, in force at this moment: nought until it is granted, and whenever our
   * heartbeat may have expired. A part that nobody asks for goes to the others.
   */
  readonly use: (key: string, segmentsPerSecond: number) => () => number;
  /** Moves the parts towards equal ones; happens by itself each half second. */
  readonly renew: () => Promise<void>;
  /** The parts stay counted until the heartbeat ends. */
  readonly close: () => Promise<void>;
};

type Use = {
  limit: number;
  /** The limiter's window: what we used until now counts as long as this. */
  windowMs: number;
  askedAt: number;
  /** Our part, and the life in which it was granted. Never more than our row says. */
  inForce: number;
  life: number | undefined;
  /** When we last used more than that. */
  loweredAt: number;
  mayHaveRow: boolean;
};

/** What one round writes. */
type Plan = {
  readonly lower: QuotaChange[];
  readonly drop: string[];
  readonly raise: (QuotaChange & { limit: number; windowMs: number })[];
};

type Moment = {
  readonly owner: string;
  readonly life: number;
  readonly wall: number;
  readonly monotonic: number;
};

/**
 * Divides shared limits among their owners in whole numbers. A row counts until it is lowered, a
 * second after its owner uses less; room is taken under a lock; so the parts in use never sum to
 * more than the limit, whatever each process believes about the others.
 */
export function createQuotas(app: {
  sql: Sql;
  owner: string;
  /** The heartbeat's: rows of an earlier life are no longer ours. */
  life: () => number | undefined;
  now: () => number;
  monotonic?: () => number;
  onError: (error: unknown) => void;
}): Quotas {
  const { sql, owner, monotonic = () => performance.now() } = app;
  const uses = new Map<string, Use>();

  const renew = async () => {
    const life = app.life();
    const active = [...uses].filter(([, use]) => use.mayHaveRow || !isIdle(use, monotonic()));
    if (life === undefined || active.length === 0) return;
    const rows = await readQuotas(
      sql,
      active.map(([key]) => key),
    );
    const moment = { owner, life, wall: app.now(), monotonic: monotonic() };
    const { lower, drop, raise } = planRound(active, rows, moment);
    if (lower.length > 0) await lowerQuotas(sql, owner, lower);
    if (drop.length > 0) await deleteQuotas(sql, owner, drop);
    if (raise.length === 0) return;
    for (const { key, segmentsPerSecond } of await raiseQuotas(sql, owner, raise)) {
      const use = uses.get(key);
      if (use !== undefined) use.inForce = segmentsPerSecond;
    }
  };
  const rounds = createRounds({ everyMs: ROUND_MS, run: renew, onError: app.onError });
  const renewSoon = () => {
    rounds.runNow().catch(app.onError);
  };

  return {
    use: (key, segmentsPerSecond) => {
      const use = uses.get(key) ?? newUse(monotonic());
      uses.set(key, use);
      const limit = Math.max(1, Math.floor(segmentsPerSecond));
      if (use.limit !== limit) renewSoon();
      use.limit = limit;
      use.windowMs = limitWindow(segmentsPerSecond).ms;
      return () => {
        if (isIdle(use, monotonic())) renewSoon();
        use.askedAt = monotonic();
        return use.life === app.life() ? use.inForce : 0;
      };
    },
    renew: rounds.runNow,
    close: rounds.close,
  };
}

function newUse(askedAt: number): Use {
  return {
    ...{ limit: 0, windowMs: SECOND, askedAt, inForce: 0, life: undefined },
    ...{ loweredAt: Number.NEGATIVE_INFINITY, mayHaveRow: false },
  };
}

function isIdle(use: Use, monotonic: number): boolean {
  return monotonic - use.askedAt > IDLE_MS;
}

/** Uses less at once where the division says so, and plans what the rows are to say. */
function planRound(
  active: readonly (readonly [string, Use])[],
  rows: readonly Quota[],
  at: Moment,
): Plan {
  const rowsByKey = new Map<string, Quota[]>(active.map(([key]) => [key, []]));
  for (const row of rows) rowsByKey.get(row.key)?.push(row);
  const plan: Plan = { lower: [], drop: [], raise: [] };
  for (const [key, use] of active) {
    const users = rowsByKey.get(key) ?? [];
    const ours = users.find((row) => row.owner === at.owner)?.segmentsPerSecond;
    const isUsed = !isIdle(use, at.monotonic);
    const wanted = isUsed ? partOf(use, users, at) : 0;
    const before = use.life === at.life ? use.inForce : 0;
    use.life = at.life;
    use.inForce = Math.min(wanted, ours ?? 0);
    use.mayHaveRow = isUsed || ours !== undefined;
    if (use.inForce < before) use.loweredAt = at.monotonic;
    const change = { key, segmentsPerSecond: wanted };
    if (isUsed && (ours === undefined || wanted > ours)) {
      plan.raise.push({ ...change, limit: use.limit, windowMs: use.windowMs });
    }
    if (ours === undefined || at.monotonic - use.loweredAt <= use.windowMs) continue;
    if (!isUsed) plan.drop.push(key);
    else if (wanted < ours) plan.lower.push(change);
  }
  return plan;
}

function partOf({ limit, windowMs }: Use, users: readonly Quota[], at: Moment): number {
  const owners = [...new Set([...users.map((row) => row.owner), at.owner])].sort();
  const turnMs = Math.max(TURN_MS, windowMs * TURN_WINDOWS);
  const turn = limit < owners.length ? Math.floor(at.wall / turnMs) : 0;
  const place = (owners.indexOf(at.owner) + turn) % owners.length;
  return Math.floor(limit / owners.length) + (place < limit % owners.length ? 1 : 0);
}
