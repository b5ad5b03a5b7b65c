import type { Connector } from "../connectors/connector.ts";
import type { Alarm } from "../lib/alarm.ts";
import type { Clock } from "../lib/clock.ts";
import type { Limiter } from "../throughput/limiter.ts";
import type { Departure } from "./departure-store.ts";
import type { Flight, Part } from "./flight.ts";
import type { Lane } from "./lane.ts";
import type { LaneRow } from "./queue-store.ts";
import type { Rerouter } from "./reroute.ts";

export type PartWriter = {
  readonly add: (lane: Lane, parts: readonly Part[]) => void;
  readonly write: (lane: Lane) => void;
  /** Writes messages, once their claims name another connector than they do. */
  readonly move: (lane: Lane, flights: readonly Flight[], to: Connector) => void;
  /** What found no free slot, where there is one now. */
  readonly writeStalled: () => void;
  readonly writeAll: () => void;
  /** Gives back what was claimed before its shard was lost, and of which nothing has left. */
  readonly giveBackLost: () => void;
  readonly close: () => Promise<void>;
};

export type PartWriterNeeds = {
  readonly clock: Clock;
  readonly carrierKey: (carrierMessageId: string) => string;
  /** The epoch under which we own the lane now: checked in the tick of the write. */
  readonly epochOf: (lane: Lane) => bigint | undefined;
  readonly connectorNamed: (name: string) => Connector | undefined;
  /** The connector for a message of the lane that the tried ones did not take; nothing: no other. */
  readonly pick: PickConnector;
  readonly rerouter: Pick<Rerouter, "record">;
  readonly onError: (error: unknown) => void;
  readonly depart: (departure: Departure) => void;
  readonly hold: (flight: Flight, because: string) => void;
  /** Another owner has the message: what it does is no matter of ours any more. */
  readonly lose: (flight: Flight) => void;
  /** Nothing of it leaves but the other parts of a message that has begun to. */
  readonly isPaused: (lane: Lane) => boolean;
  /** Messages of which nothing has left go back to their place in the queue. */
  readonly giveBack: (lane: Lane, flights: readonly Flight[]) => void;
  /** A message that is to be submitted again at an instant, with its answers so far. */
  readonly postpone: (flight: Flight, attempt: number, notBefore: Date) => void;
  readonly random: () => number;
  readonly onTaken: () => void;
};

/** Nothing: no route says anything else than the lane's own. */
export type PickConnector = (
  lane: LaneRow,
  recipient: string,
  refusedBy: ReadonlySet<string>,
  hasMedia: boolean,
) => Connector | undefined;

/** What writing and its answers work on. */
export type Writing = PartWriterNeeds & {
  /** What of the lane's may leave now. */
  readonly write: (lane: Lane) => void;
  readonly ready: Map<Lane, Part[]>;
  readonly alarm: Alarm<Lane>;
  /** Lanes with parts whose connector had no free slot. */
  readonly stalled: Set<Lane>;
  /** Segments that this callback hands to their connectors, by what they pass. */
  leaving: Map<Limiter, number> | undefined;
  isClosing: boolean;
  /** Submissions without an answer. */
  open: number;
};
