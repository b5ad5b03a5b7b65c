/**
 * Joins single calls into batches: while one batch runs, the next fills. At most one batch runs at
 * a time, so batches keep the order in which their items came.
 */
export type Batcher<Item, Result> = {
  add: (item: Item) => Promise<Result>;
  /** Items that wait or run now. */
  size: () => number;
  /** Resolves when everything added so far is done. */
  close: () => Promise<void>;
};

export type BatcherOptions<Item, Result> = {
  /** Takes a batch, returns one result an item in the same order. */
  run: (items: readonly Item[]) => Promise<readonly Result[]>;
  batchMax: number;
  /** How long a batch that is not full waits for company before it starts, in milliseconds. */
  lingerMs?: number;
};

type Waiting<Item, Result> = {
  item: Item;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
};

export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>) {
  const waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  let busy = false;
  const idle: (() => void)[] = [];

  const start = () => {
    busy = true;
    if (options.lingerMs === undefined) setImmediate(() => void drain());
    else setTimeout(() => void drain(), options.lingerMs);
  };

  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, options.batchMax);
      running = batch.length;
      await runBatch(batch);
      running = 0;
      const hasRoom = waiting.length > 0 && waiting.length < options.batchMax;
      if (hasRoom && options.lingerMs !== undefined && idle.length === 0) {
        await new Promise((done) => setTimeout(done, options.lingerMs));
      }
    }
    busy = false;
    for (const resolve of idle.splice(0)) resolve();
  };

  const runBatch = async (batch: Waiting<Item, Result>[]) => {
    try {
      const results = await options.run(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => {
        entry.resolve(results[index] as Result);
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    }
  };

  const batcher: Batcher<Item, Result> = {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (!busy) start();
      }),
    size: () => waiting.length + running,
    close: () =>
      new Promise((resolve) => {
        if (busy) idle.push(resolve);
        else resolve();
      }),
  };
  return batcher;
}
