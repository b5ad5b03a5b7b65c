import type { Sql } from "../db/sql.ts";
import { type Clock, SECOND, utcDayAt } from "../lib/clock.ts";
import { endOfDay, localMs } from "../lib/local-time.ts";
import {
  type DayShareKey,
  returnDayShare,
  takeDayShare,
  uncountSegments,
} from "./day-share-store.ts";

/** So many segments in a calendar day, whichever process sends them. */
export type DayLimit = {
  readonly kind: "brand day" | "connector day";
  /** What it is of: the brand's id, the connector's name. Limits of the same are one. */
  readonly of: string;
  readonly segmentsPerDay: number;
  /** Whose midnight begins the day: a zone's name, such as `America/Los_Angeles`. */
  readonly zone: string;
  /** In words, for people: `the operator`. */
  readonly setBy: string;
};

/** Counts what leaves against a limit of a day. */
export type DayMeter = {
  readonly limit: () => DayLimit;
  /** Whether so many segments may be charged now; asks the database for more where there is less. */
  readonly hasRoom: (segments: number) => boolean;
  /** When to ask again after there was none (monotonic ms). */
  readonly opensAt: () => number;
  /** When the day's segments are used up: until when nothing more leaves. */
  readonly usedUpUntil: () => Date | undefined;
  /** Takes segments for a message that is about to be claimed; the caller has seen that there is room. */
  readonly charge: (segments: number) => DayCharge;
};

/** What a message takes of a day. It is counted by the statement that claims the message. */
export type DayCharge = {
  readonly key: string;
  readonly day: string;
  readonly segments: number;
  /** Whether the claim is stored, and the charge with it. */
  readonly settle: (end: "counted" | "not counted" | "unknown") => void;
  /** So many of its segments were counted, and have certainly not reached the carrier. */
  readonly refund: (segments: number) => void;
};

export type DayLimits = {
  /** The meter of this limit, one for all that ask; it goes by the last limit asked for. */
  readonly use: (limit: DayLimit) => DayMeter;
  /** Gives back what is not used. */
  readonly close: () => Promise<void>;
};

export type DayLimitNeeds = {
  readonly sql: Sql;
  readonly owner: string;
  /** The heartbeat's: what was ours in an earlier life may be others'. */
  readonly life: () => number | undefined;
  readonly clock: Clock;
  readonly monotonic?: () => number;
  readonly onError: (error: unknown) => void;
};

/** A hundredth of the day at once: so little lies idle in another process when the day is nearly used up. */
const BLOCKS_A_DAY = 100;
/** Nothing is charged so shortly before the day turns: its bytes leave a moment later. */
const TURN_MS = 1 * SECOND;
const ASKING_MS = 10;
/** How often to see whether others gave back what they did not use. */
const AGAIN_MS = 1 * SECOND;
/** Who has charged nothing for so long leaves what it holds to the others. */
const IDLE_MS = 10 * SECOND;
const ROUND_MS = 1 * SECOND;

/**
 * Each process counts in a row of its own and only up to what it was granted there; the grants of a
 * key never sum to more than its limit. So a claim waits for no other process, and what is counted
 * is exact over restarts: what a dead process had been granted and not counted is granted anew.
 */
export function createDayLimits(app: DayLimitNeeds): DayLimits {
  const meters = new Map<string, ReturnType<typeof createDayMeter>>();
  const timer = setInterval(() => {
    for (const { tend } of meters.values()) tend();
  }, ROUND_MS);
  timer.unref();
  return {
    use: (limit) => {
      const key = `${limit.kind} ${limit.of}`;
      const known = meters.get(key);
      if (known !== undefined) {
        known.set(limit);
        return known.meter;
      }
      const made = createDayMeter(app, key, limit);
      meters.set(key, made);
      return made.meter;
    },
    close: async () => {
      clearInterval(timer);
      await Promise.all([...meters.values()].map(({ close }) => close()));
    },
  };
}

/** What this process holds of one day. */
type Purse = {
  readonly day: string;
  readonly endsAt: number;
  readonly life: number;
  left: number;
  /** Charged, and not known to be counted. */
  pending: number;
  /** What the row grants beyond that is not known: to be told anew. */
  isUncertain: boolean;
  /** What was counted and did not leave, to be taken from the row. */
  refunds: number;
  /** What was asked for last and is not left; infinite: nothing was refused. */
  tooMuch: number;
  chargedAt: number;
};

function createDayMeter(app: DayLimitNeeds, key: string, first: DayLimit) {
  const { life, clock, monotonic = () => performance.now() } = app;
  let limit = first;
  let purse: Purse | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  const row = createShareRow({ ...app, monotonic, key, mostNow: () => limit.segmentsPerDay });

  const purseNow = (): Purse | undefined => {
    const lived = life();
    const now = clock().getTime();
    if (lived === undefined) return undefined;
    if (purse === undefined || purse.life !== lived || now >= purse.endsAt) {
      if (purse !== undefined) row.uncount(purse);
      purse = newPurse(limit.zone, { now, life: lived, monotonic: monotonic() });
    }
    return now < purse.endsAt - TURN_MS ? purse : undefined;
  };

  const meter: DayMeter = {
    limit: () => limit,
    hasRoom: (segments) => {
      const own = purseNow();
      if (own !== undefined && !own.isUncertain && own.left >= segments) {
        failedAt = Number.NEGATIVE_INFINITY;
        return true;
      }
      failedAt = monotonic();
      if (own !== undefined) row.ask(own, Math.max(1, segments - own.left));
      return false;
    },
    opensAt: () => failedAt + (row.isAsking() ? ASKING_MS : AGAIN_MS),
    usedUpUntil: () => {
      if (purse === undefined || purse.tooMuch === Number.POSITIVE_INFINITY) return undefined;
      return new Date(purse.endsAt);
    },
    charge: (segments) => {
      const own = purse;
      if (own === undefined) throw new Error(`Nothing is granted of ${key}.`);
      own.left -= segments;
      own.pending += segments;
      own.chargedAt = monotonic();
      if (own.left * 2 * BLOCKS_A_DAY < limit.segmentsPerDay && own.tooMuch > 1) row.ask(own, 1);
      return chargeOf(own, { key, segments });
    },
  };
  return {
    meter,
    set: (next: DayLimit) => {
      const before = limit;
      limit = next;
      if (purse === undefined) return;
      if (next.zone !== before.zone) purse = undefined;
      else if (next.segmentsPerDay !== before.segmentsPerDay) {
        purse.tooMuch = Number.POSITIVE_INFINITY;
        if (next.segmentsPerDay < before.segmentsPerDay) row.giveBack(purse);
      }
    },
    /** Each second. */
    tend: () => {
      if (purse === undefined) return;
      row.uncount(purse);
      if (purse.left > 0 && monotonic() - purse.chargedAt > IDLE_MS) row.giveBack(purse);
    },
    close: async () => {
      if (purse !== undefined) {
        row.uncount(purse);
        row.giveBack(purse);
      }
      await row.close();
    },
  };
}

/** Our row of a limit's day: one statement after another, each with what the last one told. */
function createShareRow(app: {
  readonly sql: Sql;
  readonly owner: string;
  readonly key: string;
  readonly mostNow: () => number;
  readonly monotonic: () => number;
  readonly onError: (error: unknown) => void;
}) {
  const { sql, owner, key, monotonic } = app;
  let isAsking = false;
  let askedAt = Number.NEGATIVE_INFINITY;
  let turn: Promise<void> = Promise.resolve();

  const inTurn = (of: Purse, run: (row: DayShareKey) => Promise<void>) => {
    turn = turn
      .then(() => run({ key, day: of.day, owner }))
      .catch((error: unknown) => {
        of.isUncertain = true;
        of.left = 0;
        app.onError(error);
      });
    return turn;
  };

  return {
    isAsking: () => isAsking,
    ask: (of: Purse, need: number) => {
      const isNew = need < of.tooMuch;
      if (isAsking || (!isNew && monotonic() < askedAt + AGAIN_MS)) return;
      if (isNew) of.tooMuch = Number.POSITIVE_INFINITY;
      isAsking = true;
      askedAt = monotonic();
      void inTurn(of, async (row) => {
        const most = app.mostNow();
        const block = Math.max(need, Math.ceil(most / BLOCKS_A_DAY));
        const kept = of.isUncertain ? of.pending : undefined;
        if (of.isUncertain) of.left = 0;
        const added = await takeDayShare(sql, row, { most, need, block, kept });
        of.isUncertain = false;
        of.left += added;
        of.tooMuch = added === 0 ? need : Number.POSITIVE_INFINITY;
      }).finally(() => {
        isAsking = false;
      });
    },
    /** What was refunded is ours to use once it is not counted any more. */
    uncount: (of: Purse) => {
      const { refunds } = of;
      if (refunds === 0) return;
      of.refunds = 0;
      void inTurn(of, async (row) => {
        await uncountSegments(sql, row, refunds);
        of.left += refunds;
      });
    },
    giveBack: (of: Purse) => {
      void inTurn(of, async (row) => {
        of.left = 0;
        of.isUncertain = true;
        await returnDayShare(sql, row, of.pending);
      });
    },
    close: async () => turn,
  };
}

function newPurse(zone: string, at: { now: number; life: number; monotonic: number }): Purse {
  return {
    ...{ day: utcDayAt(localMs(zone, at.now)), endsAt: endOfDay(zone, at.now), life: at.life },
    // An earlier life may have left something in the row.
    ...{ left: 0, pending: 0, isUncertain: true, refunds: 0, tooMuch: Number.POSITIVE_INFINITY },
    chargedAt: at.monotonic,
  };
}

function chargeOf(of: Purse, { key, segments }: { key: string; segments: number }): DayCharge {
  return {
    ...{ key, day: of.day, segments },
    settle: (end) => {
      of.pending -= segments;
      if (end === "not counted") of.left += segments;
      if (end !== "unknown") return;
      of.left = 0;
      of.isUncertain = true;
    },
    refund: (unsent) => {
      of.refunds += unsent;
    },
  };
}
