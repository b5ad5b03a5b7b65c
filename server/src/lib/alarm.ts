import { createDueHeap } from "./due-heap.ts";

/**
 * When an alarm rings for a thing (monotonic milliseconds), or nothing. Only the alarm sets it. A whole
 * number stands in the thing itself, and one with a fraction somewhere else in memory.
 */
export type Ringing = { ringsAt: number | undefined };

/** One timer for many things, each due at its instant, to the millisecond: timers know no less. */
export type Alarm<Item> = {
  /** Sets it for this instant, unless it rings before. */
  readonly set: (instant: number, item: Item) => void;
  readonly close: () => void;
};

export function createAlarm<Item extends Ringing>(onDue: (item: Item) => void): Alarm<Item> {
  const due = createDueHeap<Item>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let isClosed = false;

  const ring = () => {
    timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    while (due.soonest() <= now && !isClosed) {
      const at = due.soonest();
      const item = due.pop() as Item;
      if (item.ringsAt !== at) continue;
      item.ringsAt = undefined;
      onDue(item);
    }
    wind();
  };

  const wind = () => {
    const at = due.soonest();
    if (at >= timerAt || isClosed) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(ring, Math.max(1, Math.ceil(at - performance.now())));
  };

  return {
    set: (instant, item) => {
      const at = Math.ceil(instant);
      if (item.ringsAt !== undefined && item.ringsAt <= at) return;
      item.ringsAt = at;
      due.push(at, item);
      wind();
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
