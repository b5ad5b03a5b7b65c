import type { Connector } from "../connectors/connector.ts";
import type { Throttle } from "../throughput/throttle.ts";
import type { Lane } from "./lane.ts";

/**
 * Lanes that wait for the same thing, first come, first served. A lane stands in one row at a time
 * and knows who stands before and behind it: so a row costs nothing besides, however many there are.
 */
export type LaneQueue = {
  /** What stops each of them. */
  readonly waitsFor: Lane["stoppedBy"];
  first: Lane | undefined;
  last: Lane | undefined;
};

export function createLaneQueue(waitsFor: Lane["stoppedBy"]): LaneQueue {
  return { waitsFor, first: undefined, last: undefined };
}

/** At the end of this row; it leaves the one that it stood in. */
export function standIn(queue: LaneQueue, lane: Lane): void {
  if (lane.waitsIn !== undefined) standOut(lane);
  lane.waitsIn = queue;
  lane.stoppedBy = queue.waitsFor;
  lane.before = queue.last;
  if (queue.last === undefined) queue.first = lane;
  else queue.last.behind = lane;
  queue.last = lane;
}

/** From wherever it stands in its row. */
export function standOut(lane: Lane): void {
  const { waitsIn: queue, before, behind } = lane;
  if (queue === undefined) return;
  if (before === undefined) queue.first = behind;
  else before.behind = behind;
  if (behind === undefined) queue.last = before;
  else behind.before = before;
  lane.waitsIn = undefined;
  lane.before = undefined;
  lane.behind = undefined;
}

/** Takes the first of a row. */
export function nextOf(queue: LaneQueue): Lane | undefined {
  const lane = queue.first;
  if (lane !== undefined) standOut(lane);
  return lane;
}

/** What lanes share that leave by the same connector: its free slots. */
export type Channel = {
  /** Another one when its settings have changed. */
  connector: Connector;
  /** What its carrier takes. */
  readonly throttle: Throttle;
  /** Claimed segments that have not left. */
  reserved: number;
  readonly waiting: LaneQueue;
};

export function createChannel(connector: Connector, throttle: Throttle): Channel {
  return { connector, throttle, reserved: 0, waiting: createLaneQueue("window") };
}

/** Slots that nothing claimed will take. */
export function freeSlots({ connector, reserved }: Channel): number {
  return connector.freeSlots() - reserved;
}
