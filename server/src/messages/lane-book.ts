import type { Connector } from "../connectors/connector.ts";
import type { MessageId } from "../lib/message-id.ts";
import type { DayLimit, DayLimits } from "../throughput/day-limits.ts";
import { type Limit, type Limiter, waitWindowAfter } from "../throughput/limiter.ts";
import type { Limiters } from "../throughput/limiters.ts";
import { createPassage } from "../throughput/passage.ts";
import { type Channel, createChannel, standOut } from "./channel.ts";
import type { LaneRow, QueuedRow } from "./dispatch-store.ts";
import { createLane, type Lane, redirect, type Way } from "./lane.ts";
import type { LaneNumber } from "./lane-store.ts";
import { forget, offerTo, soonestEnd } from "./lane-windows.ts";

/** Messages that all windows hold, and that one holds: what waits costs the queue's disk, not memory. */
const WINDOWS_MAX = 100_000;
const WINDOW_MAX = 1_000;
const WINDOW_MIN = 16;

/** By which connector a lane leaves, and what limits it. */
export type LaneRoute = {
  readonly connector: Connector;
  /** The sender's, from the inventory. */
  readonly segmentsPerSecond: number;
  /** The others that it passes. */
  readonly limits?: readonly Limit[];
  readonly dayLimits?: readonly DayLimit[];
  /** The sender is in several pools, which several processes may own. */
  readonly isSenderShared?: boolean;
};

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

export type LaneBookNeeds = {
  readonly routeOf: (row: LaneRow) => LaneRoute | undefined;
  readonly limiters: Limiters;
  /** Without it no day is limited. */
  readonly dayLimits?: Pick<DayLimits, "use"> | undefined;
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

/** What keeps lanes from being claimed from, whatever waits in them. */
function createHolds() {
  const leaving = new Set<number>();
  const unread = new Set<number>();
  const paused = new Map<number, Set<number>>();
  const isPaused = ({ shard, row }: Lane) => paused.get(shard)?.has(row.lane) === true;
  return {
    gain: (shards: readonly number[]) => {
      for (const shard of shards) leaving.delete(shard);
      for (const shard of shards) unread.add(shard);
    },
    leave: (shards: readonly number[]) => {
      for (const shard of shards) leaving.add(shard);
    },
    setPaused: (shards: readonly number[], lanes: readonly LaneNumber[]) => {
      for (const shard of shards) paused.delete(shard);
      for (const { shard, lane } of lanes) {
        const numbers = paused.get(shard) ?? new Set();
        paused.set(shard, numbers.add(lane));
      }
      for (const shard of shards) unread.delete(shard);
    },
    isPaused,
    mayClaim: (lane: Lane) =>
      !isPaused(lane) && !leaving.has(lane.shard) && !unread.has(lane.shard),
  };
}

/** Also under limits that are shared: until now their last owner may have been the only one. */
function waitWindow({ limiter, way }: Lane, lapsedAt: number): void {
  waitWindowAfter(limiter, lapsedAt);
  for (const shared of way.passage) {
    if (shared !== way.channel.throttle.limiter) waitWindowAfter(shared, lapsedAt);
  }
}

/** The ways that lanes take now: limiters by what they limit, channels by their connector. */
function createWays({ routeOf, limiters, dayLimits }: LaneBookNeeds) {
  const channels = new Map<string, Channel>();
  /** By all that is on them. */
  const ways = new Map<string, Way>();

  const channelOf = (connector: Connector): Channel => {
    const known = channels.get(connector.name);
    if (known !== undefined) {
      known.connector = connector;
      return known;
    }
    const channel = createChannel(connector, limiters.throttleOf(connector.name));
    channels.set(connector.name, channel);
    return channel;
  };

  const limiterOf = ({ sender: of }: LaneRow, route: LaneRoute): Limiter => {
    const { segmentsPerSecond, isSenderShared: isShared = false } = route;
    return limiters.use({
      kind: "sender",
      of,
      segmentsPerSecond,
      setBy: "the inventory",
      isShared,
    });
  };

  const wayOf = ({ connector, limits, dayLimits: dayLimitsOf }: LaneRoute, before?: Way): Way => {
    const channel = channelOf(connector);
    const shared = limits === undefined ? [] : limits.map(limiters.use);
    shared.push(channel.throttle.limiter);
    const days = dayLimits && dayLimitsOf ? dayLimitsOf.map(dayLimits.use) : [];
    const isSame =
      before?.channel === channel &&
      isSameSet(before.passage, shared) &&
      isSameSet(before.days, days);
    if (isSame) return before;
    const way = { passage: createPassage(shared), channel, days };
    const key = keyOf(way);
    const known = ways.get(key) ?? way;
    ways.set(key, known);
    return known;
  };

  return {
    channels: () => channels.values(),
    /** The way is the same as before where nothing has changed. */
    find: (row: LaneRow, before?: Way): Pick<Lane, "limiter" | "way"> | undefined => {
      const route = routeOf(row);
      return route && { limiter: limiterOf(row, route), way: wayOf(route, before) };
    },
  };
}

function keyOf({ passage, channel, days }: Way): string {
  const limits = [...passage.map(({ limit }) => limit), ...days.map((day) => day.limit())];
  return JSON.stringify([channel.connector.name, limits.map(({ kind, of }) => [kind, of])]);
}

function isSameSet(some: readonly object[], others: readonly object[]): boolean {
  return (
    some.length === others.length &&
    some.every((one) => others.includes(one)) &&
    others.every((one) => some.includes(one))
  );
}
