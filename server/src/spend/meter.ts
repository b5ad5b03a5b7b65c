import type { Sql } from "../db/sql.ts";
import { type Clock, utcDay } from "../lib/clock.ts";
import type { SpendCap } from "./cap.ts";
import { returnBlock, takeBlock } from "./cap-store.ts";

/** Whether a text may be paid for: it is counted, its cap is reached, or a block of it is asked for. */
export type Payment = "paid" | "over" | "asked";

/** Counts what leaves against the day's caps, in blocks that the database gives out. */
export type SpendMeter = {
  /** Counts a text against all its caps, or none of them. At once, in memory. */
  readonly pay: (caps: readonly SpendCap[], micros: number) => Payment;
  /** Whether a text of this price could be paid for, as far as this process knows; asks for blocks. */
  readonly canPay: (caps: readonly SpendCap[], micros: number) => boolean;
  /** Gives back what is left of the blocks. */
  readonly close: () => Promise<void>;
};

/** A hundredth of a day's cap at once: so little is idle in another process when the cap is near. */
const BLOCKS_A_DAY = 100;

type Purse = {
  readonly cap: SpendCap;
  readonly day: string;
  left: number;
  /** The least price that the day could not pay. */
  tooMuch: number;
  asking: Promise<void> | undefined;
};

export function createSpendMeter(app: {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Told once by each process when a cap is reached. */
  readonly onReached: (cap: SpendCap) => void;
  readonly onError: (error: unknown) => void;
}): SpendMeter {
  const purses = new Map<string, Purse>();

  const purseOf = (cap: SpendCap): Purse => {
    const key = `${cap.account} ${cap.country}`;
    const day = utcDay(app.clock());
    const known = purses.get(key);
    if (known?.day === day && known.cap.dailyMicros === cap.dailyMicros) return known;
    const left = known?.day === day ? Math.min(known.left, cap.dailyMicros) : 0;
    if (known !== undefined && known.day !== day) giveBack(known);
    const purse = { cap, day, left, tooMuch: Number.POSITIVE_INFINITY, asking: undefined };
    purses.set(key, purse);
    return purse;
  };

  const giveBack = (purse: Purse): void => {
    const micros = purse.left;
    purse.left = 0;
    if (micros > 0) returnBlock(app.sql, purse.cap, { day: purse.day, micros }).catch(app.onError);
  };

  const ask = (purse: Purse, need: number): void => {
    if (purse.asking !== undefined || need >= purse.tooMuch) return;
    const { cap, day } = purse;
    const block = Math.max(need, Math.ceil(cap.dailyMicros / BLOCKS_A_DAY));
    purse.asking = takeBlock(app.sql, cap, { day, need, block })
      .then((taken) => {
        purse.left += taken;
        if (taken > 0) return;
        if (purse.tooMuch === Number.POSITIVE_INFINITY) app.onReached(cap);
        purse.tooMuch = Math.min(purse.tooMuch, need);
      })
      .catch(app.onError)
      .finally(() => {
        purse.asking = undefined;
      });
  };

  return {
    pay: (caps, micros) => {
      const short = caps.map(purseOf).filter((purse) => purse.left < micros);
      for (const purse of short) ask(purse, micros - purse.left);
      if (short.some((purse) => micros - purse.left >= purse.tooMuch)) return "over";
      if (short.length > 0) return "asked";
      for (const cap of caps) purseOf(cap).left -= micros;
      return "paid";
    },
    canPay: (caps, micros) => {
      const short = caps.map(purseOf).filter((purse) => purse.left < micros);
      for (const purse of short) ask(purse, micros - purse.left);
      return !short.some((purse) => micros - purse.left >= purse.tooMuch);
    },
    close: async () => {
      for (const purse of purses.values()) {
        await purse.asking;
        const { cap, day, left: micros } = purse;
        purse.left = 0;
        if (micros > 0) await returnBlock(app.sql, cap, { day, micros });
      }
    },
  };
}
