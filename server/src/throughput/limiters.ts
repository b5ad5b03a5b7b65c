import { createLimiter, type Limiter } from "./limiter.ts";
import { createThrottle, type Throttle } from "./throttle.ts";

/** From the smallest scope to the largest: in this order they are checked. */
export const limitKinds = [
  "sender",
  "campaign",
  "brand day",
  "throttle",
  "connector",
  "account",
] as const;
export type LimitKind = (typeof limitKinds)[number];

/** One limit that a lane passes: what it is of, how much, and who set it. */
export type Limit = {
  readonly kind: LimitKind;
  /** What it is of: the sender's number, the connector's name. Limiters of the same are one. */
  readonly of: string;
  readonly segmentsPerSecond: number;
  /** In words, for people: `the inventory`, `the carrier`. */
  readonly setBy: string;
  /** Lanes of other processes pass it at the same time. */
  readonly isShared?: boolean;
};

/** A limiter that lanes share, with what each of them has claimed and not sent. */
export type NamedLimiter = Pick<
  Limiter,
  "earliest" | "take" | "written" | "waitWindowAfter" | "reserved" | "reserve"
> & {
  readonly limit: () => Limit;
};

export type Limiters = {
  /** What the carrier of a connector takes, as far as it complained. */
  readonly throttleOf: (connector: string) => Throttle;
  /** The limiter of this kind and thing, one for all that ask; its rate is the last one asked for. */
  readonly use: (limit: Limit) => NamedLimiter;
};

type Shared = {
  /** Tells our part of a limit that several owners share. */
  readonly use: (key: string, segmentsPerSecond: number) => () => number;
};

/** Every limiter of this process, by what it limits. */
export function createLimiters(app: { readonly quotas?: Shared } = {}): Limiters {
  const byKey = new Map<string, { limiter: NamedLimiter; set: (limit: Limit) => void }>();
  const throttles = new Map<string, Throttle>();
  return {
    throttleOf: (connector) => {
      const throttle = throttles.get(connector) ?? createThrottle(connector);
      throttles.set(connector, throttle);
      return throttle;
    },
    use: (limit) => {
      const key = `${limit.kind} ${limit.of}`;
      const known = byKey.get(key);
      if (known !== undefined) {
        known.set(limit);
        return known.limiter;
      }
      const made = createNamedLimiter(limit, app.quotas);
      byKey.set(key, made);
      return made.limiter;
    },
  };
}

function createNamedLimiter(first: Limit, quotas: Shared | undefined) {
  let limit = first;
  let part: (() => number) | undefined;
  const limiter = createLimiter(first.segmentsPerSecond);

  const set = (next: Limit) => {
    const isSame =
      next.segmentsPerSecond === limit.segmentsPerSecond &&
      next.isShared === limit.isShared &&
      (part !== undefined || next.isShared !== true);
    const wasShared = limit.isShared === true;
    limit = next;
    if (isSame) return;
    const isShared = next.isShared === true && quotas !== undefined;
    part = isShared ? quotas.use(`${next.kind} ${next.of}`, next.segmentsPerSecond) : undefined;
    limiter.askRate(part && wholeRate(part, next.segmentsPerSecond));
    if (part === undefined) limiter.setRate(next.segmentsPerSecond);
    // Others may have sent under it until now.
    if (wasShared && next.isShared !== true) limiter.waitWindowAfter(performance.now());
  };
  set(first);

  const { earliest, take, written, waitWindowAfter, reserved, reserve } = limiter;
  const named = { earliest, take, written, waitWindowAfter, reserved, reserve, limit: () => limit };
  return { limiter: named, set };
}

/** Our part; the whole of it where nobody else has a part, its fraction too. */
function wholeRate(part: () => number, segmentsPerSecond: number): () => number {
  // Quotas are whole numbers; a limit below one is the part of one owner at a time.
  const whole = Math.max(1, Math.floor(segmentsPerSecond));
  return () => {
    const ours = part();
    return ours >= whole ? segmentsPerSecond : ours;
  };
}
