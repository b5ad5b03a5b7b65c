/** Things by the instant that they are due at, the soonest first. A thing may be in it several times. */
export type DueHeap<Item> = {
  readonly push: (at: number, item: Item) => void;
  /** When the soonest is due; infinite: nothing waits. */
  readonly soonest: () => number;
  readonly pop: () => Item | undefined;
  readonly size: () => number;
};

/** A heap of four children a node: half as deep as one of two, and its instants lie side by side. */
const CHILDREN = 4;

export function createDueHeap<Item>(): DueHeap<Item> {
  const instants: number[] = [];
  const items: Item[] = [];

  const put = (place: number, at: number, item: Item) => {
    instants[place] = at;
    items[place] = item;
  };
  const move = (from: number, to: number) => put(to, instants[from] as number, items[from] as Item);

  const soonestChild = (parent: number): number => {
    const first = CHILDREN * parent + 1;
    const end = Math.min(first + CHILDREN, instants.length);
    let soonest = first;
    for (let child = first + 1; child < end; child += 1) {
      if ((instants[child] as number) < (instants[soonest] as number)) soonest = child;
    }
    return soonest;
  };

  const sink = (at: number, item: Item) => {
    let place = 0;
    for (;;) {
      const child = soonestChild(place);
      if (child >= instants.length || (instants[child] as number) >= at) break;
      move(child, place);
      place = child;
    }
    put(place, at, item);
  };

  return {
    push: (at, item) => {
      let place = instants.length;
      put(place, at, item);
      while (place > 0) {
        const parent = Math.floor((place - 1) / CHILDREN);
        if ((instants[parent] as number) <= at) break;
        move(parent, place);
        place = parent;
      }
      put(place, at, item);
    },
    soonest: () => instants[0] ?? Number.POSITIVE_INFINITY,
    pop: () => {
      const first = items[0];
      const at = instants.pop();
      const last = items.pop();
      if (at !== undefined && instants.length > 0) sink(at, last as Item);
      return first;
    },
    size: () => instants.length,
  };
}
