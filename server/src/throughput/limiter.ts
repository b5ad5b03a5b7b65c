import { SECOND } from "../lib/clock.ts";

/**
 * One limit of segments per second. Limit r means: any r+1 consecutive segments span at least one
 * second; where r is no whole number, n+1 of them span n/r seconds, n being the next whole one: below
 * 1, consecutive ones are 1/r seconds apart. An even pace (GCRA) with a burst of at most 100 ms'
 * worth, under a ring of the last n stamps that makes the definition hold exactly.
 * Times are monotonic milliseconds.
 */
export type Limiter = {
  readonly segmentsPerSecond: () => number;
  /** The last stamps count under the new rate as they did under the old one. Nought: nothing leaves. */
  readonly setRate: (segmentsPerSecond: number) => void;
  /** From here on the rate is asked for each time; nothing: it stays. */
  readonly askRate: (rateNow: (() => number) | undefined) => void;
  /** When the next segment may leave, if `ahead` others leave before it at full pace. */
  readonly earliest: (ahead?: number) => number;
  /** Stamps one segment as leaving now; the caller has waited for `earliest()`. */
  readonly take: (now: number) => void;
  /**
   * The oldest so many of what was taken and not told written have been written by now; all of it
   * without a count. A process that was held up between the two wrote later than it stamped, and the
   * next second counts from there.
   */
  readonly written: (now: number, count?: number) => void;
  /**
   * Others may have sent under this limit until this instant, and nobody knows their stamps: a
   * whole window passes after it.
   */
  readonly waitWindowAfter: (instant: number) => void;
  /** Claimed segments that have not left. */
  readonly reserved: () => number;
  readonly reserve: (segments: number) => void;
};

const BURST_MS_MAX = 100;
/** So late a timer may fire without the pace falling behind: the next segment comes the sooner. */
const LATE_MS = 20;
/** The stamp is taken a moment before the bytes leave; the far end's clock must agree as well. */
const MARGIN_MS = 2;

/** The time that n+1 consecutive segments span at least. */
export function limitWindow(segmentsPerSecond: number): { segments: number; ms: number } {
  const segments = Math.max(1, Math.ceil(segmentsPerSecond));
  return { segments, ms: (segments * SECOND) / segmentsPerSecond };
}

/**
 * Where a limiter's numbers stand, before its ring. They lie side by side, because of thousands of
 * limiters none is in a cache when its turn comes, and variables with fractions lie each for itself.
 */
const [ARRIVAL, UNKNOWN_UNTIL, INTERVAL_MS, SPAN_MS, BURST_MS, RING] = [0, 1, 2, 3, 4, 5];

/** With an empty ring of so many stamps. */
function createNumbers(stamps: number): Float64Array {
  return new Float64Array(RING + stamps).fill(Number.NEGATIVE_INFINITY);
}

/** Never outside of them. */
function at(numbers: Float64Array, place: number): number {
  return numbers[place] as number;
}

export function createLimiter(initialRate: number): Limiter {
  let rate = 0;
  let rateNow: (() => number) | undefined;
  /** How many segments a window may hold; none: nothing leaves. */
  let length = 0;
  let numbers = createNumbers(1);
  /** Where the next stamp goes. */
  let next = RING;
  let unwritten = 0;
  let reserved = 0;

  const setRate = (segmentsPerSecond: number) => {
    if (segmentsPerSecond === rate) return;
    rate = segmentsPerSecond;
    length = 0;
    if (rate <= 0) return;
    const window = limitWindow(rate);
    length = window.segments;
    if (length >= numbers.length - RING) {
      numbers = lengthen(numbers, { next, stamps: length + 1 });
      next = RING;
    }
    const intervalMs = SECOND / rate;
    numbers[INTERVAL_MS] = intervalMs;
    numbers[SPAN_MS] = window.ms + MARGIN_MS;
    numbers[BURST_MS] = Math.max(LATE_MS, BURST_MS_MAX - intervalMs);
    numbers[ARRIVAL] = at(numbers, placeBack(numbers, next, 1)) + intervalMs;
  };
  setRate(initialRate);

  return {
    segmentsPerSecond: () => rate,
    setRate,
    askRate: (ask) => {
      rateNow = ask;
    },
    earliest: (ahead = 0) => {
      if (rateNow !== undefined) setRate(rateNow());
      if (length === 0) return Number.POSITIVE_INFINITY;
      const inRing = ahead < length ? at(numbers, placeBack(numbers, next, length - ahead)) : 0;
      const burstFrom = at(numbers, ARRIVAL) - at(numbers, BURST_MS);
      const windowFrom = Math.max(inRing, at(numbers, UNKNOWN_UNTIL));
      return Math.max(
        burstFrom + ahead * at(numbers, INTERVAL_MS),
        windowFrom + at(numbers, SPAN_MS),
      );
    },
    take: (now) => {
      numbers[next] = now;
      next = next + 1 === numbers.length ? RING : next + 1;
      numbers[ARRIVAL] = Math.max(at(numbers, ARRIVAL), now) + at(numbers, INTERVAL_MS);
      unwritten = Math.min(numbers.length - RING, unwritten + 1);
    },
    written: (now, count = unwritten) => {
      for (let left = Math.min(count, unwritten); left > 0; left -= 1) {
        numbers[placeBack(numbers, next, unwritten)] = now;
        unwritten -= 1;
      }
    },
    waitWindowAfter: (instant) => {
      numbers[UNKNOWN_UNTIL] = Math.max(at(numbers, UNKNOWN_UNTIL), instant);
    },
    reserved: () => reserved,
    reserve: (segments) => {
      reserved = Math.max(0, reserved + segments);
    },
  };
}

/** Where the stamp stands that was made so many stamps ago; of those that there are. */
function placeBack(numbers: Float64Array, next: number, back: number): number {
  const place = next - back;
  return place < RING ? place + numbers.length - RING : place;
}

/**
 * A ring is as long as the highest rate so far: a lower one must not forget what left under it. What a
 * longer one does not know is a window older than what it knows: the rates so far saw to it.
 */
function lengthen(
  numbers: Float64Array,
  { next, stamps }: { readonly next: number; readonly stamps: number },
): Float64Array {
  const longer = createNumbers(stamps);
  longer.set(numbers.subarray(0, RING));
  const known = numbers.length - RING;
  for (let back = 1; back <= known; back += 1)
    longer[longer.length - back] = at(numbers, placeBack(numbers, next, back));
  return longer;
}
