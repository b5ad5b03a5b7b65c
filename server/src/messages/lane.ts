import type { Ringing } from "../lib/alarm.ts";
import type { DayMeter } from "../throughput/day-limits.ts";
import { earliest, type Limiter, reserveAt, takeSegments } from "../throughput/limiter.ts";
import { earliestThrough, type Passage } from "../throughput/passage.ts";
import type { Channel, LaneQueue } from "./channel.ts";
import { type LaneWindows, unreadWindows, type WindowNeeds } from "./lane-windows.ts";
import type { LaneRow } from "./queue-store.ts";

/** Where lanes leave by, and what they pass on the way after their senders' limiters. Lanes share it. */
export type Way = {
  readonly passage: Passage;
  readonly channel: Channel;
  /** The limits of a day that count what leaves by it. */
  readonly days: readonly DayMeter[];
};

/** What a lane had written at an instant (monotonic ms). */
type Sample = { readonly at: number; readonly written: number };

/**
 * A lane's place in memory: the heads of its four queues and what is claimed but not written. Of
 * thousands of lanes none is in a cache when its turn comes, so it is one object without functions
 * of its own.
 */
export type Lane = Ringing &
  LaneWindows & {
    readonly row: LaneRow;
    readonly shard: number;
    /** Its sender's: the first that its segments pass. */
    readonly limiter: Limiter;
    /** The last one known: what is claimed leaves by it. */
    way: Way;
    /** Whether its account still holds the sender, and its connector runs. */
    hasRoute: boolean;
    /** Which configuration says so. */
    version: number;
    /** Claimed segments that have not left. */
    reserved: number;
    /** Messages taken from its windows whose claims have no answer yet. */
    claiming: number;
    /** Nothing is written before this instant (monotonic ms): the carrier asked for patience. */
    notBefore: number | undefined;
    /** The last such instant that a carrier asked for by throttling. */
    throttledUntil: number | undefined;
    /** Segments handed to the connector since this process has the lane. */
    written: number;
    /** Of the last times that its owner told of it, and what was written when it had nothing to tell any more. */
    readonly samples: Sample[];
    settled: number;
    /** How often in a row its carrier's queue was full. */
    fullTimes: number;
    /** How often its windows were given up. */
    generation: number;
    /** The book has it among those that may have work, and those to be looked at. */
    isBusy: boolean;
    isTouched: boolean;
    /** It stands among those to be told of. */
    isStirred: boolean;
    /** What it waits for in a row with others. */
    waitsIn: LaneQueue | undefined;
    /** Who stands there before it, and behind. */
    before: Lane | undefined;
    behind: Lane | undefined;
    /** What ended the last claiming from it, when messages were left. */
    stoppedBy: Limiter | DayMeter | "patience" | "window" | undefined;
    /** What did before that, since its owner last told of it: a lane may be looked at as it goes on. */
    heldBy: Lane["stoppedBy"];
  };

export function createLane(
  row: LaneRow,
  { limiter, way }: Pick<Lane, "limiter" | "way">,
  needs: WindowNeeds,
): Lane {
  // Written out, as spreads would put its fields elsewhere in memory; what is used together stands together.
  return {
    shard: row.shard,
    limiter,
    way,
    notBefore: undefined,
    ringsAt: undefined,
    reserved: 0,
    written: 0,
    waitsIn: undefined,
    stoppedBy: undefined,
    heldBy: undefined,
    version: 0,
    hasRoute: true,
    size: unreadWindows.size,
    filled: unreadWindows.filled,
    lacking: unreadWindows.lacking,
    windows: [[], [], [], []],
    needs,
    turn: unreadWindows.turn,
    claiming: 0,
    generation: 0,
    whole: unreadWindows.whole,
    stale: unreadWindows.stale,
    newest: unreadWindows.newest,
    before: undefined,
    behind: undefined,
    isBusy: false,
    isTouched: false,
    isStirred: false,
    fullTimes: 0,
    samples: [],
    settled: 0,
    throttledUntil: undefined,
    row,
  };
}

/** Nothing is written before this instant (monotonic ms), nor before what was asked for already. */
export function waitUntil(lane: Lane, instant: number): number {
  const notBefore = Math.max(lane.notBefore ?? instant, instant);
  lane.notBefore = notBefore;
  return notBefore;
}

/** Whether a carrier has asked for patience beyond this instant (monotonic ms). */
export function isPatientAt({ notBefore }: Lane, instant: number): boolean {
  return notBefore !== undefined && notBefore > instant;
}

/** Counts segments that are claimed and have not left, wherever the lane's count. */
export function reserve(lane: Lane, segments: number): void {
  lane.reserved += segments;
  reserveAt(lane.limiter, segments);
  reserveOn(lane.way, segments);
}

function reserveOn({ passage, channel }: Way, segments: number): void {
  channel.reserved += segments;
  for (const limiter of passage) reserveAt(limiter, segments);
}

/** Gives a lane another way: what it has claimed counts there now. */
export function redirect(lane: Lane, way: Way): void {
  reserveOn(lane.way, -lane.reserved);
  lane.way = way;
  reserveOn(way, lane.reserved);
}

/** When its next segment may leave, or the last of some that leave together, `ahead` before it. */
export function earliestFrom({ limiter, way, notBefore = 0 }: Lane, ahead: number): number {
  const passes = Math.max(earliest(limiter, ahead), earliestThrough(way.passage, ahead));
  return Math.max(passes, notBefore);
}

/** Stamps segments as leaving now. */
export function takeFrom({ limiter, way }: Lane, now: number, segments: number): void {
  takeSegments(limiter, now, segments);
  for (const one of way.passage) takeSegments(one, now, segments);
}
