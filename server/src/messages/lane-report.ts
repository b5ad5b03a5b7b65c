import type { ConnectorState } from "../connectors/connector.ts";
import { unreachable } from "../lib/unreachable.ts";
import type { DayLimit, DayMeter } from "../throughput/day-limits.ts";
import type { Limit } from "../throughput/limiter.ts";
import type { Lane } from "./lane.ts";

/** What a lane's owner sees of it now. Kept as JSON, so instants are texts. */
export type LaneReport = {
  /** Segments, over the last seconds. */
  readonly measuredPerSecond: number;
  readonly seen: Seen;
};

/** What keeps the lane from sending faster, as its owner sees it. */
export type Seen =
  /** All that may leave has left. */
  | { readonly by: "nothing" }
  | ({
      readonly by: "limiter";
      /** What was set, where it was set for a minute. */
      readonly segmentsPerMinute?: number;
    } & Pick<Limit, "kind" | "of" | "segmentsPerSecond" | "setBy">)
  /** The day's segments are used up. */
  | ({ readonly by: "day"; readonly until: string } & DayLimit)
  | { readonly by: "window"; readonly connector: string; readonly window: number }
  | {
      readonly by: "connection";
      readonly connector: string;
      readonly cause?: string;
      readonly nextAttemptAt?: string;
    }
  | { readonly by: "carrier"; readonly connector: string; readonly until: string }
  /** No enabled connector carries the sender for the lane's account. */
  | { readonly by: "route" };

type Now = { readonly monotonic: number; readonly at: Date };

/** What limits a lane now, as its owner knows it. */
export function seeLane(lane: Lane, now: Now): Seen {
  if (!lane.hasRoute) return { by: "route" };
  const { name: connector, state } = lane.way.channel.connector;
  const bind = state();
  switch (bind.phase) {
    case "stopped":
      return { by: "route" };
    case "connecting":
      return { by: "connection", connector };
    case "reconnecting": {
      const { cause, nextAttemptAt } = bind;
      return { by: "connection", connector, cause, nextAttemptAt: nextAttemptAt.toISOString() };
    }
    case "bound":
      return seeBound(lane, { connector, ...bind }, now);
    default:
      return unreachable(bind);
  }
}

function seeBound(
  { throttledUntil, stoppedBy: stopped, heldBy }: Lane,
  bind: Extract<ConnectorState, { phase: "bound" }> & { readonly connector: string },
  now: Now,
): Seen {
  if (throttledUntil !== undefined && throttledUntil > now.monotonic) {
    const until = new Date(now.at.getTime() + throttledUntil - now.monotonic);
    return { by: "carrier", connector: bind.connector, until: until.toISOString() };
  }
  const stoppedBy = stopped ?? heldBy;
  if (stoppedBy === "window") return seeFull(bind);
  if (stoppedBy === undefined || stoppedBy === "patience") return { by: "nothing" };
  if ("usedUpUntil" in stoppedBy) return seeDay(stoppedBy);
  const { kind, of, segmentsPerSecond, setBy } = stoppedBy.limit;
  return { by: "limiter", kind, of, segmentsPerSecond, setBy };
}

/** While it only asks for more of a day, nothing limits it. */
function seeDay(day: DayMeter): Seen {
  const until = day.usedUpUntil();
  if (until === undefined) return { by: "nothing" };
  return { by: "day", ...day.limit(), until: until.toISOString() };
}

/** No slot was free: for the window, or for one of the connector's own rates, whose window is not full. */
function seeFull(bind: Parameters<typeof seeBound>[1]): Seen {
  const { connector, window, inFlight, segmentsPerSecond, segmentsPerMinute } = bind;
  const setBy = `the settings of connector ${connector}`;
  const limiter = { by: "limiter", kind: "connector", of: connector, setBy } as const;
  if (inFlight >= window) return { by: "window", connector, window };
  if (segmentsPerMinute !== undefined) {
    return { ...limiter, segmentsPerSecond: segmentsPerMinute / 60, segmentsPerMinute };
  }
  if (segmentsPerSecond !== undefined) return { ...limiter, segmentsPerSecond };
  return { by: "window", connector, window };
}
