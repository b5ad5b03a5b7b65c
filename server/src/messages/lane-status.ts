import { unreachable } from "../lib/unreachable.ts";
import type { Seen } from "./lane-report.ts";
import type { StoredLane } from "./lane-store.ts";

export type LanePhase =
  /** Nothing waits. */
  | "idle"
  /** All that may leave leaves at once. */
  | "sending"
  | "paced"
  | "window full"
  | "reconnecting"
  | "throttled"
  /** Today's segments are used up. */
  | "capped"
  | "paused"
  | "draining"
  | "no route"
  /** Something waits, and no owner has told of it yet. */
  | "waiting";

/** What keeps a lane from sending faster now; `setBy` ends a sentence: "set by the inventory". */
export type LaneLimit = {
  readonly name: string;
  /** A sentence. */
  readonly words: string;
  readonly setBy: string;
  readonly remedy: string;
};

export type LaneStatus = {
  readonly phase: LanePhase;
  readonly limit: LaneLimit | undefined;
  /** The limit in force; nothing when the account does not hold the sender. */
  readonly segmentsPerSecond: number | undefined;
  /** Over the last seconds. */
  readonly measuredPerSecond: number;
  /** Nothing when it is not known: nothing leaves, or nobody has measured yet. */
  readonly secondsToDrain: number | undefined;
};

/** The inventory's facts of the lane's sender; nothing when its account no longer holds it. */
type Sender = { readonly segmentsPerSecond: number };

/** How a lane stands, from what the database and its owner tell. */
export function laneStatus(lane: StoredLane, sender: Sender | undefined): LaneStatus {
  const limit = laneLimit(lane, sender !== undefined);
  const phase = phaseOf(lane, limit);
  const isStopped = stopped.has(phase);
  const segmentsPerSecond = sender && rateInForce(lane, sender);
  const measuredPerSecond = lane.report?.measuredPerSecond ?? 0;
  // What paces a lane is known exactly; what a carrier takes is only measured.
  const isCarriers = limit?.name === "window" || limit?.name === "carrier";
  const drainRate = isCarriers ? measuredPerSecond : (segmentsPerSecond ?? 0);
  return {
    ...{ phase, limit, segmentsPerSecond, measuredPerSecond },
    secondsToDrain: secondsFor(lane.depth, isStopped ? 0 : drainRate),
  };
}

/** A limit that was raised is in force when the lane's owner says so. */
function rateInForce({ report, depth }: StoredLane, { segmentsPerSecond }: Sender): number {
  return depth > 0 && report?.seen.by === "limiter"
    ? Math.min(report.seen.segmentsPerSecond, segmentsPerSecond)
    : segmentsPerSecond;
}

/** By what limits it; a limiter of any other name paces it. */
const phases: Readonly<Record<string, LanePhase>> = {
  ...{ pause: "paused", drain: "draining", route: "no route", owner: "waiting" },
  ...{ connection: "reconnecting", window: "window full" },
  ...{ carrier: "throttled", throttle: "throttled" },
  ...{ "brand day": "capped", "connector day": "capped" },
};
const stopped: ReadonlySet<LanePhase> = new Set<LanePhase>([
  ...(["paused", "reconnecting", "no route", "waiting", "capped"] as const),
]);

function phaseOf(lane: StoredLane, limit: LaneLimit | undefined): LanePhase {
  if (limit === undefined) return lane.depth > 0 ? "sending" : "idle";
  const phase = phases[limit.name] ?? "paced";
  return lane.drainedBy !== null && !stopped.has(phase) ? "draining" : phase;
}

/** What limits a lane now; whether its account holds its sender still is for the caller to know. */
export function laneLimit(lane: StoredLane, isHeld: boolean): LaneLimit | undefined {
  if (lane.pausedBy !== null) return pauseOf(lane, lane.pausedBy);
  if (lane.depth > 0 && !isHeld) return routeLimit(lane);
  if (lane.depth > 0 && lane.report === null) return ownerLimit;
  const limit =
    lane.depth > 0 && lane.report !== null ? limitOf(lane, lane.report.seen) : undefined;
  return limit ?? (lane.drainedBy === null ? undefined : drainOf(lane, lane.drainedBy));
}

function secondsFor(depth: number, rate: number): number | undefined {
  if (depth <= 0) return 0;
  return rate > 0 ? Math.ceil(depth / rate) : undefined;
}

/** By the kind of a limiter. */
const remedies: Readonly<Record<string, string>> = {
  sender: "Raise the sender's segments_per_second if its carrier allows more, or use more senders.",
  campaign:
    "Raise the campaign's segments_per_second under /longwave/v1/RegistrationLimits if its carriers allow more.",
  throttle: "It rises again by itself while the carrier takes what it is sent.",
};

function limitOf(lane: StoredLane, seen: Seen): LaneLimit | undefined {
  switch (seen.by) {
    case "nothing":
      return undefined;
    case "limiter":
      return {
        name: seen.kind,
        words: `The limit of the ${seen.kind} ${seen.of} is ${rateOf(seen)}.`,
        setBy: seen.setBy,
        remedy: remedies[seen.kind] ?? "Ask who set it for more, or spread the texts over time.",
      };
    case "day":
      return {
        name: seen.kind,
        words: `${dayOwner(seen)} has sent the ${segments(seen.segmentsPerDay)} that it may send in a day; the next begins at ${seen.until}.`,
        setBy: seen.setBy,
        remedy:
          "It goes on by itself then. Ask who set it for more, or spread the texts over more days.",
      };
    case "window":
      return {
        name: "window",
        words: `Connector ${seen.connector} has ${seen.window} submissions under way, which is its window.`,
        setBy: `the settings of connector ${seen.connector}`,
        remedy: "Raise the connector's window or add binds if the carrier allows them.",
      };
    case "connection":
      return connectionLimit(seen);
    case "carrier":
      return {
        name: "carrier",
        words: `The carrier of connector ${seen.connector} asked to be sent nothing until ${seen.until}.`,
        setBy: "the carrier",
        remedy:
          "Lower the sender's segments_per_second to what the carrier allows, or ask it for more.",
      };
    case "route":
      return routeLimit(lane);
    default:
      return unreachable(seen);
  }
}

function rateOf({ segmentsPerSecond, segmentsPerMinute }: Seen & { by: "limiter" }): string {
  return segmentsPerMinute === undefined
    ? `${segments(segmentsPerSecond)} per second`
    : `${segments(segmentsPerMinute)} per minute`;
}

function dayOwner({ kind, of }: Seen & { by: "day" }): string {
  return kind === "brand day" ? `The brand ${of}` : `Connector ${of}`;
}

function connectionLimit({
  connector,
  cause,
  nextAttemptAt,
}: Seen & { by: "connection" }): LaneLimit {
  const why = cause === undefined ? "" : ` Its last words: ${cause}`;
  const next = nextAttemptAt === undefined ? "" : ` It tries again at ${nextAttemptAt}.`;
  return {
    name: "connection",
    words: `Connector ${connector} is not bound to its carrier.${why}`,
    setBy: "the connection to the carrier",
    remedy: `It comes back by itself.${next} If it does not, check its settings and the carrier.`,
  };
}

function routeLimit({ sender }: StoredLane): LaneLimit {
  return {
    name: "route",
    words: `No enabled connector carries ${sender} for this account.`,
    setBy: "the inventory and the connectors",
    remedy: "Give the account its number again, or enable the number's connector.",
  };
}

const ownerLimit: LaneLimit = {
  name: "owner",
  words: "No process has told of this lane yet.",
  setBy: "nobody: a process takes a lane within five seconds",
  remedy: "If it stays so, see whether a Longwave process runs and reaches the database.",
};

function pauseOf(lane: StoredLane, by: string): LaneLimit {
  return {
    name: "pause",
    words: "The lane is paused: nothing leaves.",
    setBy: `account ${by}`,
    remedy: `Resume it: longwave lanes resume ${laneName(lane)}`,
  };
}

function drainOf(lane: StoredLane, by: string): LaneLimit {
  return {
    name: "drain",
    words: "The lane is being drained: it takes no new messages.",
    setBy: `account ${by}`,
    remedy: `Resume it: longwave lanes resume ${laneName(lane)}`,
  };
}

/** How people call a lane: by its sender, after its messaging service if it has one. */
export function laneName({ pool, sender }: { pool: string; sender: string }): string {
  return pool === sender ? sender : `${pool}:${sender}`;
}

/** The pool and sender of a lane's name. */
export function parseLaneName(name: string): { readonly pool: string; readonly sender: string } {
  const [pool = "", sender = pool] = name.split(":", 2);
  return { pool, sender };
}

function segments(count: number): string {
  return count === 1 ? "1 segment" : `${count} segments`;
}
