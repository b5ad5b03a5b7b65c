/** Things by the instant that they are due at, the soonest first. A thing may be in it several times. */
export type DueHeap<Item> = {
  readonly push: (at: number, item: Item) => void;
  /** When the soonest is due; infinite: nothing waits. */
  readonly soonest: () => number;
  readonly pop: () => Item | undefined;
  readonly size: () => number;
};

type Entry<Item> = { readonly at: number; readonly item: Item };

/** A binary heap. */
export function createDueHeap<Item>(): DueHeap<Item> {
  const entries: Entry<Item>[] = [];
  const isSooner = (one: number, other: number) =>
    (entries[one]?.at ?? Number.POSITIVE_INFINITY) <
    (entries[other]?.at ?? Number.POSITIVE_INFINITY);
  const swap = (one: number, other: number) => {
    const entry = entries[one] as Entry<Item>;
    entries[one] = entries[other] as Entry<Item>;
    entries[other] = entry;
  };

  const rise = (from: number) => {
    for (let place = from; place > 0; ) {
      const parent = (place - 1) >> 1;
      if (!isSooner(place, parent)) return;
      swap(place, parent);
      place = parent;
    }
  };

  const sink = () => {
    for (let place = 0; ; ) {
      const left = 2 * place + 1;
      const child = isSooner(left + 1, left) ? left + 1 : left;
      if (!isSooner(child, place)) return;
      swap(place, child);
      place = child;
    }
  };

  return {
    push: (at, item) => {
      entries.push({ at, item });
      rise(entries.length - 1);
    },
    soonest: () => entries[0]?.at ?? Number.POSITIVE_INFINITY,
    pop: () => {
      const first = entries[0];
      const last = entries.pop();
      if (first === undefined || last === undefined) return undefined;
      if (entries.length > 0) {
        entries[0] = last;
        sink();
      }
      return first.item;
    },
    size: () => entries.length,
  };
}
