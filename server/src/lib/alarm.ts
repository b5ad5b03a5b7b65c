import { createDueHeap } from "./due-heap.ts";

/** One timer for many things, each due at its instant (monotonic milliseconds). */
export type Alarm<Item> = {
  /** Sets it for this instant, unless it rings before. */
  readonly set: (at: number, item: Item) => void;
  readonly close: () => void;
};

export function createAlarm<Item>(onDue: (item: Item) => void): Alarm<Item> {
  const due = createDueHeap<Item>();
  const instants = new Map<Item, number>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;
  let isClosed = false;

  const ring = () => {
    timerAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    while (due.soonest() <= now && !isClosed) {
      const at = due.soonest();
      const item = due.pop() as Item;
      if (instants.get(item) !== at) continue;
      instants.delete(item);
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
      if ((instants.get(item) ?? Number.POSITIVE_INFINITY) <= at) return;
      instants.set(item, at);
      due.push(at, item);
      wind();
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
