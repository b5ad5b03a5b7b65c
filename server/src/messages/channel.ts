import type { Connector } from "../connectors/connector.ts";
import { createFifo, type Fifo } from "../lib/fifo.ts";
import type { Throttle } from "../throughput/throttle.ts";
import type { Lane } from "./lane.ts";

/** Lanes that wait for the same thing, first come, first served. */
export type LaneQueue = {
  readonly push: (lane: Lane) => void;
  readonly shift: () => Lane | undefined;
  /** Some may have gone elsewhere meanwhile. */
  readonly size: () => number;
};

/**
 * A lane stands in one queue at a time: its ticket for an earlier one is worth nothing. What they wait
 * for is what stops each of them.
 */
export function createLaneQueue(waitsFor: Lane["stoppedBy"]): LaneQueue {
  const fifo: Fifo<{ lane: Lane; ticket: number }> = createFifo();
  const queue: LaneQueue = {
    push: (lane) => {
      lane.ticket += 1;
      lane.waitsIn = queue;
      lane.stoppedBy = waitsFor;
      fifo.push({ lane, ticket: lane.ticket });
    },
    shift: () => {
      for (let next = fifo.shift(); next !== undefined; next = fifo.shift()) {
        if (next.ticket !== next.lane.ticket || next.lane.waitsIn !== queue) continue;
        next.lane.waitsIn = undefined;
        return next.lane;
      }
      return undefined;
    },
    size: fifo.size,
  };
  return queue;
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
