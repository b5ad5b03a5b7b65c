import type { MessageId } from "../lib/message-id.ts";
import { waitWindowAfter } from "../throughput/limiter.ts";
import { type Channel, standOut } from "./channel.ts";
import { createLane, type Lane, redirect } from "./lane.ts";
import { createHolds } from "./lane-holds.ts";
import type { LaneNumber } from "./lane-store.ts";
import { createWays, type WaysNeeds } from "./lane-ways.ts";
import { forget, offerTo, soonestEnd } from "./lane-windows.ts";
import type { LaneRow, QueuedRow } from "./queue-store.ts";

/** Messages that all windows hold, and that one holds: what waits costs the queue's disk, not memory. */
const WINDOWS_MAX = 100_000;
const WINDOW_MAX = 1_000;
const WINDOW_MIN = 16;

/** The lanes that this process has seen; `busy` ones, by their numbers, may have work. */
export type LaneBook = {
  readonly busy: ReadonlyMap<number, Lane>;
  /** Those whose windows have ended validities at their heads; costs next to nothing while there are none. */
  readonly withExpired: (now: Date) => Lane[];
  /** Takes those that were touched, so that something may have left, and that nobody has taken yet: they are `isStirred`. */
  readonly takeStirred: () => readonly Lane[];
  /** Nothing when its account no longer holds the sender. */
  readonly laneFor: (row: LaneRow) => Lane | undefined;
  /** It may have work: the pump is to look at it, unless it stands in a row already. */
  readonly touch: (lane: Lane) => void;
  /** Takes what was touched since the last call. */
  readonly touched: () => Lane[];
  /** Nothing of it is left to claim. */
  readonly rest: (lane: Lane) => void;
  /** A message that stands in the queue now. */
  readonly offer: (queued: QueuedRow, lane: LaneRow) => void;
  /** Whether it can be claimed from by what is configured now; looks at its route again if need be. */
  readonly findWay: (lane: Lane) => boolean;
  /** Routes and limits may have changed. `isCertain`: lanes that wait look at theirs at once. */
  readonly reconfigure: (isCertain: boolean) => void;
  readonly channels: () => Iterable<Channel>;
  /** Shards that became ours. What others sent for them until then nobody knows; windows are read anew. */
  readonly gain: (shards: readonly number[], lapsedAt: number) => void;
  /** Shards that another process is to have: nothing more is claimed from them. */
  readonly leave: (shards: readonly number[]) => void;
  /** What the database says of these shards: which of their lanes are paused. */
  readonly setPaused: (shards: readonly number[], paused: readonly LaneNumber[]) => void;
  readonly isPaused: (lane: Lane) => boolean;
  /** Not while it is paused, its shard is leaving, or has not been asked for paused lanes yet. */
  readonly mayClaim: (lane: Lane) => boolean;
  /** Windows may lack messages that the queue holds. */
  readonly forgetWindows: () => void;
};

export type LaneBookNeeds = WaysNeeds & {
  readonly isTaken: (id: MessageId) => boolean;
  /** Told of a messaging service's lane, whose messages have no sender yet. */
  readonly assign: (row: LaneRow) => void;
};

export function createLaneBook(app: LaneBookNeeds): LaneBook {
  const lanes = new Map<number, Lane>();
  const lapsed = new Map<number, number>();
  const holds = createHolds();
  const touches = createTouches();
  const ends = createEnds();
  const { busy, touch } = touches;
  let version = 1;
  const ways = createWays(app);
  const windows = {
    isTaken: app.isTaken,
    windowMax: () => windowMaxOf(busy.size),
    onEnd: ends.note,
  };

  const laneFor = (row: LaneRow): Lane | undefined => {
    const known = lanes.get(row.lane);
    if (known !== undefined) return known;
    if (row.sender === "") {
      const { shard, lane, account, pool, sender } = row;
      app.assign({ shard, lane, account, pool, sender });
      return undefined;
    }
    const found = ways.find(row);
    if (found === undefined) return undefined;
    const { shard, lane: number, account, pool, sender } = row;
    const key = { shard, lane: number, account, pool, sender };
    const lane = createLane(key, found, windows);
    waitWindow(lane, lapsed.get(shard) ?? Number.NEGATIVE_INFINITY);
    lane.version = version;
    lanes.set(row.lane, lane);
    return lane;
  };

  const findWay = (lane: Lane) => {
    if (lane.version === version) return lane.hasRoute;
    lane.version = version;
    const found = ways.find(lane.row, lane.way);
    lane.hasRoute = found !== undefined;
    if (found !== undefined && found.way !== lane.way) redirect(lane, found.way);
    return lane.hasRoute;
  };
  /** What is shared with other processes changes with the shards. */
  const lookAtAllWays = () => {
    version += 1;
    for (const lane of lanes.values()) findWay(lane);
  };

  return {
    ...touches,
    laneFor,
    withExpired: (now) => ends.expired(lanes, now.getTime()),
    offer: (queued, row) => {
      const lane = laneFor(row);
      if (lane === undefined) return;
      offerTo(lane, queued);
      touch(lane);
    },
    findWay,
    reconfigure: (isCertain) => {
      version += 1;
      if (!isCertain) return;
      for (const lane of busy.values()) {
        standOut(lane);
        touch(lane);
      }
    },
    channels: ways.channels,
    gain: (shards, lapsedAt) => {
      const gained = new Set(shards);
      holds.gain(shards);
      for (const shard of shards) lapsed.set(shard, lapsedAt);
      lookAtAllWays();
      for (const lane of lanes.values()) {
        if (!gained.has(lane.shard)) continue;
        waitWindow(lane, lapsedAt);
        forget(lane);
      }
    },
    leave: (shards) => {
      holds.leave(shards);
      lookAtAllWays();
    },
    setPaused: holds.setPaused,
    isPaused: holds.isPaused,
    mayClaim: holds.mayClaim,
    forgetWindows: () => {
      for (const lane of lanes.values()) forget(lane);
    },
  };
}

/** Which lanes may have work, and which of them are to be looked at. A lane knows where it is noted already. */
function createTouches() {
  const busy = new Map<number, Lane>();
  let touched: Lane[] = [];
  let stirred: Lane[] = [];
  return {
    busy,
    touch: (lane: Lane) => {
      if (!lane.isBusy) busy.set(lane.row.lane, lane);
      if (!lane.isStirred) stirred.push(lane);
      lane.isBusy = true;
      lane.isStirred = true;
      if (lane.isTouched || lane.waitsIn !== undefined) return;
      lane.isTouched = true;
      touched.push(lane);
    },
    touched: () => {
      const all = touched;
      touched = [];
      for (const lane of all) lane.isTouched = false;
      return all;
    },
    takeStirred: () => {
      const all = stirred;
      stirred = [];
      return all;
    },
    rest: (lane: Lane) => {
      if (lane.isBusy) busy.delete(lane.row.lane);
      lane.isBusy = false;
    },
  };
}

/** When validities end, as a bound below all that is in windows: each lane need not be asked. */
function createEnds() {
  let soonest = Number.POSITIVE_INFINITY;
  return {
    note: (validUntil: Date) => {
      soonest = Math.min(soonest, validUntil.getTime());
    },
    expired: (lanes: ReadonlyMap<number, Lane>, now: number): Lane[] => {
      if (now < soonest) return [];
      const ends = [...lanes.values()].map((lane) => ({ lane, at: soonestEnd(lane) }));
      soonest = ends.reduce((sooner, { at }) => Math.min(sooner, at), Number.POSITIVE_INFINITY);
      return ends.flatMap(({ lane, at }) => (at <= now ? [lane] : []));
    },
  };
}

function windowMaxOf(busy: number): number {
  return Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, Math.floor(WINDOWS_MAX / (busy + 1))));
}

/** Also under limits that are shared: until now their last owner may have been the only one. */
function waitWindow({ limiter, way }: Lane, lapsedAt: number): void {
  waitWindowAfter(limiter, lapsedAt);
  for (const shared of way.passage) {
    if (shared !== way.channel.throttle.limiter) waitWindowAfter(shared, lapsedAt);
  }
}
