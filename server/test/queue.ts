/** What comes from a far end, for a test to wait for. */
export type Queue<Item> = {
  readonly add: (item: Item) => void;
  readonly next: () => Promise<Item>;
};

export function createQueue<Item>(): Queue<Item> {
  const items: Item[] = [];
  const waiting: ((item: Item) => void)[] = [];
  return {
    add: (item) => {
      const first = waiting.shift();
      if (first === undefined) items.push(item);
      else first(item);
    },
    next: () =>
      new Promise((done) => {
        const first = items.shift();
        if (first === undefined) waiting.push(done);
        else done(first);
      }),
  };
}
