import type { Connector } from "../connectors/connector.ts";
import type { DayLimit, DayLimits } from "../throughput/day-limits.ts";
import type { Limit, Limiter } from "../throughput/limiter.ts";
import type { Limiters } from "../throughput/limiters.ts";
import { createPassage } from "../throughput/passage.ts";
import { type Channel, createChannel } from "./channel.ts";
import type { Lane, Way } from "./lane.ts";
import type { LaneRow } from "./queue-store.ts";

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

export type WaysNeeds = {
  readonly routeOf: (row: LaneRow) => LaneRoute | undefined;
  readonly limiters: Limiters;
  /** Without it no day is limited. */
  readonly dayLimits?: Pick<DayLimits, "use"> | undefined;
};

/** The ways that lanes take now: limiters by what they limit, channels by their connector. */
export function createWays({ routeOf, limiters, dayLimits }: WaysNeeds) {
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
