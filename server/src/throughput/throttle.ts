import { SECOND } from "../lib/clock.ts";
import { createLimiter, type Limiter } from "./limiter.ts";
import type { Limit, NamedLimiter } from "./limiters.ts";

/** Slowing down by so much at most once a second: answers to what left before say nothing new. */
const SLOWER = 0.5;
/** A second's recovery, as a part of what was sent when the carrier first complained. */
const RECOVERY = 0.05;
/** So much faster than that without a complaint, the carrier's limit is not known any more. */
const FORGOTTEN_AT = 2;
const RATE_MIN = 1;

/** What a carrier takes, found by its answers; no limit as long as it does not complain. */
export type Throttle = NamedLimiter & {
  /** The carrier was sent too much. */
  readonly slowDown: (now: number) => void;
  /** In force now; nothing when the carrier does not throttle. */
  readonly segmentsPerSecond: () => number | undefined;
};

/** Additive increase, multiplicative decrease. Times are monotonic milliseconds. */
export function createThrottle(connector: string, monotonic = () => performance.now()): Throttle {
  const limiter: Limiter = createLimiter(RATE_MIN);
  const count = countSeconds();
  let rate: number | undefined;
  let complainedAt = 0;
  let loweredAt = Number.NEGATIVE_INFINITY;
  let changedAt = 0;

  const set = (next: number | undefined, now: number) => {
    rate = next;
    changedAt = now;
    if (next !== undefined) limiter.setRate(Math.max(RATE_MIN, Math.floor(next)));
  };

  const recover = () => {
    if (rate === undefined) return;
    const seconds = Math.floor((monotonic() - changedAt) / SECOND);
    if (seconds < 1) return;
    const next = rate + seconds * Math.max(1, complainedAt * RECOVERY);
    set(next >= complainedAt * FORGOTTEN_AT ? undefined : next, changedAt + seconds * SECOND);
  };

  const limit = (): Limit => ({
    ...{ kind: "throttle", of: connector, setBy: "the carrier, by its answers" },
    segmentsPerSecond: rate === undefined ? Number.POSITIVE_INFINITY : Math.floor(rate),
  });

  return {
    slowDown: (now) => {
      if (now - loweredAt < SECOND) return;
      recover();
      if (rate === undefined) complainedAt = Math.max(RATE_MIN, count.ofLastSecond(now));
      loweredAt = now;
      set(Math.max(RATE_MIN, (rate ?? complainedAt) * SLOWER), now);
    },
    segmentsPerSecond: () => {
      recover();
      return rate === undefined ? undefined : Math.floor(rate);
    },
    earliest: (ahead) => {
      recover();
      return rate === undefined ? Number.NEGATIVE_INFINITY : limiter.earliest(ahead);
    },
    take: (now) => {
      count.add(now);
      limiter.take(now);
    },
    written: limiter.written,
    waitWindowAfter: () => undefined,
    limit,
    reserved: limiter.reserved,
    reserve: limiter.reserve,
  };
}

/** The fuller of this second and the one before. */
function countSeconds() {
  let second = 0;
  let current = 0;
  let before = 0;
  const turn = (now: number) => {
    const next = Math.floor(now / SECOND);
    if (next === second) return;
    before = next === second + 1 ? current : 0;
    current = 0;
    second = next;
  };
  return {
    add: (now: number) => {
      turn(now);
      current += 1;
    },
    ofLastSecond: (now: number) => {
      turn(now);
      return Math.max(current, before);
    },
  };
}
