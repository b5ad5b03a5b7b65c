import { SECOND } from "../lib/clock.ts";
import { createLimiter, type Limit, type Limiter, setRate } from "./limiter.ts";
import { createSecondCount, fullerSecond } from "./second-count.ts";

/** Slowing down by so much at most once a second: answers to what left before say nothing new. */
const SLOWER = 0.5;
/** A second's recovery, as a part of what was sent when the carrier first complained. */
const RECOVERY = 0.05;
/** So much faster than that without a complaint, the carrier's limit is not known any more. */
const FORGOTTEN_AT = 2;
const RATE_MIN = 1;

/** What a carrier takes, found by its answers; no limit as long as it does not complain. */
export type Throttle = {
  readonly limiter: Limiter;
  /** The carrier was sent too much. */
  readonly slowDown: (now: number) => void;
  /** In force now; nothing when the carrier does not throttle. */
  readonly segmentsPerSecond: () => number | undefined;
};

/** Additive increase, multiplicative decrease. Times are monotonic milliseconds. */
export function createThrottle(connector: string, monotonic = () => performance.now()): Throttle {
  const limitAt = (segmentsPerSecond: number): Limit => ({
    ...{ kind: "throttle", of: connector, setBy: "the carrier, by its answers" },
    segmentsPerSecond,
  });
  const count = createSecondCount();
  const limiter = createLimiter(limitAt(RATE_MIN), { count });
  let rate: number | undefined;
  let complainedAt = 0;
  let loweredAt = Number.NEGATIVE_INFINITY;
  let changedAt = 0;

  const set = (next: number | undefined, now: number) => {
    rate = next;
    changedAt = now;
    limiter.limit = limitAt(next === undefined ? Number.POSITIVE_INFINITY : Math.floor(next));
    if (next !== undefined) setRate(limiter, Math.max(RATE_MIN, Math.floor(next)));
  };
  set(undefined, 0);

  const recover = () => {
    if (rate === undefined) return;
    const seconds = Math.floor((monotonic() - changedAt) / SECOND);
    if (seconds < 1) return;
    const next = rate + seconds * Math.max(1, complainedAt * RECOVERY);
    set(next >= complainedAt * FORGOTTEN_AT ? undefined : next, changedAt + seconds * SECOND);
  };

  limiter.rateNow = () => {
    recover();
    return rate === undefined ? Number.POSITIVE_INFINITY : limiter.rate;
  };

  return {
    limiter,
    slowDown: (now) => {
      if (now - loweredAt < SECOND) return;
      recover();
      if (rate === undefined) complainedAt = Math.max(RATE_MIN, fullerSecond(count, now));
      loweredAt = now;
      set(Math.max(RATE_MIN, (rate ?? complainedAt) * SLOWER), now);
    },
    segmentsPerSecond: () => {
      recover();
      return rate === undefined ? undefined : Math.floor(rate);
    },
  };
}
