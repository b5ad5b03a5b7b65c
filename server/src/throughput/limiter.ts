import { SECOND } from "../lib/clock.ts";
import { countOne, type SecondCount } from "./second-count.ts";

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

/**
 * One limit of segments per second. Limit r means: any r+1 consecutive segments span at least one
 * second; where r is no whole number, n+1 of them span n/r seconds, n being the next whole one: below
 * 1, consecutive ones are 1/r seconds apart. An even pace (GCRA) with a burst of at most 100 ms'
 * worth, under a ring of the last n stamps that makes the definition hold exactly.
 * Times are monotonic milliseconds.
 *
 * Because of thousands of limiters none is in a cache when its turn comes, it is one object without
 * functions of its own, and its instants stand side by side among those of all.
 */
export type Limiter = {
  readonly numbers: LimiterNumbers;
  /** Where its own begin: instants and spans, then its ring. */
  place: number;
  /** How many stamps its ring holds. */
  stamps: number;
  /** Where in it the next one goes. */
  next: number;
  /** How many segments a window may hold; none: nothing leaves. */
  length: number;
  /** Taken and not told written. */
  unwritten: number;
  /** Claimed segments that have not left. */
  reserved: number;
  /** Asked for each time; nothing: the rate stays. Infinite: nothing is limited. */
  rateNow: (() => number) | undefined;
  /** What left lately, where that is counted. */
  readonly count: SecondCount | undefined;
  limit: Limit;
  /** Set by `setRate` alone. */
  rate: number;
};

/** The instants and spans of many limiters. */
export type LimiterNumbers = { all: Float64Array; used: number };

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

/** Where a limiter's numbers stand from its place on, before its ring. */
const [ARRIVAL, UNKNOWN_UNTIL, INTERVAL_MS, SPAN_MS, RING] = [0, 1, 2, 3, 4];

/** As many as a cache line holds: a limiter begins at one. */
const NUMBERS_A_LINE = 8;

export function createLimiterNumbers(): LimiterNumbers {
  return { all: new Float64Array(), used: 0 };
}

export function createLimiter(
  limit: Limit,
  { numbers = createLimiterNumbers(), count }: Partial<Pick<Limiter, "numbers" | "count">> = {},
): Limiter {
  const stamps = limitWindow(limit.segmentsPerSecond).segments + 1;
  const limiter = {
    numbers,
    place: findPlace(numbers, stamps),
    stamps,
    next: 0,
    length: 0,
    unwritten: 0,
    reserved: 0,
    rateNow: undefined,
    count,
    limit,
    rate: 0,
  };
  setRate(limiter, limit.segmentsPerSecond);
  return limiter;
}

/** For a limiter with an empty ring of so many stamps. */
function findPlace(numbers: LimiterNumbers, stamps: number): number {
  const place = numbers.used;
  numbers.used += Math.ceil((RING + stamps) / NUMBERS_A_LINE) * NUMBERS_A_LINE;
  if (numbers.used > numbers.all.length) {
    const longer = new Float64Array(2 * numbers.used).fill(Number.NEGATIVE_INFINITY);
    longer.set(numbers.all);
    numbers.all = longer;
  }
  return place;
}

/** Never outside of them. */
function at(all: Float64Array, place: number): number {
  return all[place] as number;
}

/** The last stamps count under the new rate as they did under the old one. Nought: nothing leaves. */
export function setRate(limiter: Limiter, segmentsPerSecond: number): void {
  if (segmentsPerSecond === limiter.rate) return;
  limiter.rate = segmentsPerSecond;
  limiter.length = 0;
  if (segmentsPerSecond <= 0) return;
  const window = limitWindow(segmentsPerSecond);
  limiter.length = window.segments;
  if (limiter.length >= limiter.stamps) lengthen(limiter, limiter.length + 1);
  const { place } = limiter;
  const { all } = limiter.numbers;
  const intervalMs = SECOND / segmentsPerSecond;
  all[place + INTERVAL_MS] = intervalMs;
  all[place + SPAN_MS] = window.ms + MARGIN_MS;
  all[place + ARRIVAL] = at(all, placeBack(limiter, 1)) + intervalMs;
}

/** When the next segment may leave, if `ahead` others leave before it at full pace. */
export function earliest(limiter: Limiter, ahead = 0): number {
  const { rateNow } = limiter;
  if (rateNow !== undefined) {
    const rate = rateNow();
    if (rate === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
    setRate(limiter, rate);
  }
  const { place, length } = limiter;
  const { all } = limiter.numbers;
  if (length === 0) return Number.POSITIVE_INFINITY;
  const intervalMs = at(all, place + INTERVAL_MS);
  const inRing = ahead < length ? at(all, placeBack(limiter, length - ahead)) : 0;
  const burstFrom = at(all, place + ARRIVAL) - Math.max(LATE_MS, BURST_MS_MAX - intervalMs);
  const windowFrom = Math.max(inRing, at(all, place + UNKNOWN_UNTIL));
  return Math.max(burstFrom + ahead * intervalMs, windowFrom + at(all, place + SPAN_MS));
}

/** Stamps segments as leaving now; the caller has waited for `earliest`. */
export function takeSegments(limiter: Limiter, now: number, segments: number): void {
  for (let taken = 0; taken < segments; taken += 1) takeSegment(limiter, now);
}

function takeSegment(limiter: Limiter, now: number): void {
  const { place, next, stamps, count } = limiter;
  const { all } = limiter.numbers;
  if (count !== undefined) countOne(count, now);
  all[place + RING + next] = now;
  limiter.next = next + 1 === stamps ? 0 : next + 1;
  all[place + ARRIVAL] = Math.max(at(all, place + ARRIVAL), now) + at(all, place + INTERVAL_MS);
  limiter.unwritten = Math.min(stamps, limiter.unwritten + 1);
}

/**
 * The oldest so many of what was taken and not told written have been written by now; all of it
 * without a count. A process that was held up between the two wrote later than it stamped, and the
 * next second counts from there.
 */
export function noteWritten(limiter: Limiter, now: number, count = limiter.unwritten): void {
  const { all } = limiter.numbers;
  for (let left = Math.min(count, limiter.unwritten); left > 0; left -= 1) {
    all[placeBack(limiter, limiter.unwritten)] = now;
    limiter.unwritten -= 1;
  }
}

/** Counts segments that are claimed and have not left. */
export function reserveAt(limiter: Limiter, segments: number): void {
  limiter.reserved = Math.max(0, limiter.reserved + segments);
}

/**
 * Others may have sent under this limit until this instant, and nobody knows their stamps: a whole
 * window passes after it.
 */
export function waitWindowAfter({ numbers, place }: Limiter, instant: number): void {
  const { all } = numbers;
  all[place + UNKNOWN_UNTIL] = Math.max(at(all, place + UNKNOWN_UNTIL), instant);
}

/** Where the stamp stands that was made so many stamps ago; of those that there are. */
function placeBack({ place, next, stamps }: Limiter, back: number): number {
  const found = next - back;
  return place + RING + (found < 0 ? found + stamps : found);
}

/**
 * A ring is as long as the highest rate so far: a lower one must not forget what left under it. What a
 * longer one does not know is a window older than what it knows: the rates so far saw to it. At least
 * twice as long, as its former place stays empty.
 */
function lengthen(limiter: Limiter, stampsMin: number): void {
  const { numbers, place: before, stamps: known } = limiter;
  const stamps = Math.max(stampsMin, 2 * known);
  const place = findPlace(numbers, stamps);
  const { all } = numbers;
  all.copyWithin(place, before, before + RING);
  const end = place + RING + stamps;
  for (let back = 1; back <= known; back += 1) all[end - back] = at(all, placeBack(limiter, back));
  limiter.place = place;
  limiter.stamps = stamps;
  limiter.next = 0;
}
