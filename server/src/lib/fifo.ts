/** A queue whose head costs nothing to take, however long it is. */
export type Fifo<Item> = {
  readonly push: (item: Item) => void;
  readonly shift: () => Item | undefined;
  readonly size: () => number;
};

const DEAD_MAX = 1_000;

export function createFifo<Item>(): Fifo<Item> {
  let items: (Item | undefined)[] = [];
  let head = 0;
  return {
    push: (item) => {
      items.push(item);
    },
    shift: () => {
      const item = items[head];
      if (head < items.length) items[head++] = undefined;
      if (head > DEAD_MAX && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    size: () => items.length - head,
  };
}
