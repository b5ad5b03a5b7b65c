import {
  createLimiter,
  createLimiterNumbers,
  type Limit,
  type Limiter,
  setRate,
  waitWindowAfter,
} from "./limiter.ts";
import { createThrottle, type Throttle } from "./throttle.ts";

export type Limiters = {
  /** What the carrier of a connector takes, as far as it complained. */
  readonly throttleOf: (connector: string) => Throttle;
  /** The limiter of this kind and thing, one for all that ask; its rate is the last one asked for. */
  readonly use: (limit: Limit) => Limiter;
};

type Shared = {
  /** Tells our part of a limit that several owners share. */
  readonly use: (key: string, segmentsPerSecond: number) => () => number;
};

/** Every limiter of this process, by what it limits. */
export function createLimiters({ quotas }: { readonly quotas?: Shared } = {}): Limiters {
  const numbers = createLimiterNumbers();
  const byKind = new Map<string, Map<string, Limiter>>();
  const throttles = new Map<string, Throttle>();
  return {
    throttleOf: (connector) => {
      const throttle = throttles.get(connector) ?? createThrottle(connector);
      throttles.set(connector, throttle);
      return throttle;
    },
    use: (limit) => {
      let byThing = byKind.get(limit.kind);
      if (byThing === undefined) {
        byThing = new Map();
        byKind.set(limit.kind, byThing);
      }
      const known = byThing.get(limit.of);
      const limiter = known ?? createLimiter(limit, { numbers });
      if (known === undefined) byThing.set(limit.of, limiter);
      setLimit(limiter, limit, quotas);
      return limiter;
    },
  };
}

function setLimit(limiter: Limiter, next: Limit, quotas: Shared | undefined): void {
  const { limit } = limiter;
  const isSame =
    next.segmentsPerSecond === limit.segmentsPerSecond &&
    next.isShared === limit.isShared &&
    (limiter.rateNow !== undefined || next.isShared !== true);
  limiter.limit = next;
  if (isSame) return;
  const isShared = next.isShared === true && quotas !== undefined;
  const part = isShared ? quotas.use(`${next.kind} ${next.of}`, next.segmentsPerSecond) : undefined;
  limiter.rateNow = part && wholeRate(part, next.segmentsPerSecond);
  if (part === undefined) setRate(limiter, next.segmentsPerSecond);
  // Others may have sent under it until now.
  if (limit.isShared === true && next.isShared !== true) {
    waitWindowAfter(limiter, performance.now());
  }
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
