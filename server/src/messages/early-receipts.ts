import type { ReceiptRow } from "./receipt-store.ts";

/**
 * Receipts that came before their submission was recorded: kept in memory for a moment,
 * unacknowledged, and tried again at each departure.
 */
export type EarlyReceipts = {
  /**
   * Resolves when the receipt is settled or parked. Nothing when there is no room. `departuresSeen`
   * were counted before the receipt was tried: one that was recorded meanwhile is not missed.
   */
  readonly hold: (row: ReceiptRow, departuresSeen: number) => Promise<void> | undefined;
  /** Submissions were recorded. */
  readonly notify: () => void;
  readonly departures: () => number;
  /** Parks what is held, and holds nothing more. */
  readonly close: () => Promise<void>;
};

type Needs = {
  /** Tells which have no submission. */
  readonly settle: <Row extends ReceiptRow>(rows: readonly Row[]) => Promise<Row[]>;
  readonly park: (rows: readonly ReceiptRow[]) => Promise<void>;
};

type Held = {
  readonly row: ReceiptRow;
  readonly untilMs: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
};

/** Many times what a batch of departures takes, and short beside a carrier's own timeouts. */
const HELD_MS = 200;
/** One batch; beyond it they are parked at once. */
const HELD_COUNT_MAX = 1_000;

export function createEarlyReceipts(app: Needs): EarlyReceipts {
  // In the order in which they came: the first is the first to be parked.
  const held = new Set<Held>();
  let departures = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const round = createRound(async () => {
    await tryAgain(app, held, isClosed ? Number.POSITIVE_INFINITY : performance.now());
    clearTimeout(timer);
    const [first] = held;
    if (first !== undefined) timer = setTimeout(round, first.untilMs - performance.now());
  });

  return {
    hold: (row, departuresSeen) => {
      if (isClosed || held.size >= HELD_COUNT_MAX) return undefined;
      const done = new Promise<void>((resolve, reject) => {
        held.add({ row, untilMs: performance.now() + HELD_MS, resolve, reject });
      });
      if (departures !== departuresSeen) void round();
      else if (held.size === 1) timer = setTimeout(round, HELD_MS);
      return done;
    },
    notify: () => {
      departures += 1;
      if (held.size > 0) void round();
    },
    departures: () => departures,
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await round();
    },
  };
}

/** Tries all in one batch and parks those whose time is over. Never rejects: each receipt does. */
async function tryAgain(app: Needs, held: Set<Held>, nowMs: number): Promise<void> {
  const all = [...held].map((one) => ({ one, row: { ...one.row, isYoung: one.untilMs > nowMs } }));
  if (all.length === 0) return;
  try {
    const unmatched = new Set(await app.settle(all.map(({ row }) => row)));
    const parked = all.filter(({ row }) => unmatched.has(row) && !row.isYoung);
    if (parked.length > 0) await app.park(parked.map(({ row }) => row));
    for (const { one, row } of all) {
      if (unmatched.has(row) && row.isYoung) continue;
      held.delete(one);
      one.resolve();
    }
  } catch (error) {
    for (const { one } of all) {
      held.delete(one);
      one.reject(error);
    }
  }
}

/** Runs one at a time, and once more when it was wanted meanwhile; resolves when none is wanted. */
function createRound(run: () => Promise<void>): () => Promise<void> {
  let isWanted = false;
  let running: Promise<void> | undefined;
  const runAll = async () => {
    while (isWanted) {
      isWanted = false;
      await run();
    }
    running = undefined;
  };
  return () => {
    isWanted = true;
    running ??= runAll();
    return running;
  };
}
