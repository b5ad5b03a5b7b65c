/** Things to do at a time, in the order of time to within a slot; told the time, never asking. */
export type DueList<Item> = {
  readonly add: (atMs: number, item: Item) => void;
  /** What is due until now, removed. */
  readonly take: (nowMs: number, max: number) => readonly Item[];
  /** When the next slot is due. */
  readonly nextAt: () => number | undefined;
};

const SLOT_MS = 10;
const nothing: readonly never[] = [];

/** Adding and taking cost the same whatever waits: a map of slots, and their numbers sorted. */
export function createDueList<Item>(): DueList<Item> {
  const slots = new Map<number, Item[]>();
  const order: number[] = [];
  return {
    add: (atMs, item) => {
      const slot = Math.ceil(atMs / SLOT_MS);
      const items = slots.get(slot);
      if (items !== undefined) {
        items.push(item);
        return;
      }
      slots.set(slot, [item]);
      order.splice(placeOf(order, slot), 0, slot);
    },
    take: (nowMs, max) => {
      if (order[0] === undefined || order[0] * SLOT_MS > nowMs) return nothing;
      const taken: Item[] = [];
      while (taken.length < max && order[0] !== undefined && order[0] * SLOT_MS <= nowMs) {
        const items = slots.get(order[0]) ?? [];
        const room = max - taken.length;
        if (items.length > room) {
          for (const item of items.splice(0, room)) taken.push(item);
        } else {
          for (const item of items) taken.push(item);
          slots.delete(order.shift() ?? 0);
        }
      }
      return taken;
    },
    nextAt: () => (order[0] === undefined ? undefined : order[0] * SLOT_MS),
  };
}

/** Where a number belongs in a sorted list. */
function placeOf(sorted: readonly number[], number: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
