import { createDueHeap } from "./due-heap.ts";

/** When an alarm rings for a thing (monotonic milliseconds); infinite: never. Only the alarm sets it. */
export type Ringing = { ringsAt: number };

/** One timer for many things, each due at its instant. */
export type Alarm<Item> = {
  /** Sets it for this instant, unless it rings before. */
  readonly set: (at: number, item: Item) => void;
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
      item.ringsAt = Number.POSITIVE_INFINITY;
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
    set: (at, item) => {
      if (item.ringsAt <= at) return;
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
