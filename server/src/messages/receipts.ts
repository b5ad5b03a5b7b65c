import type { Receipt } from "../connectors/connector.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, HOUR, MINUTE, SECOND } from "../lib/clock.ts";
import type { MessageId } from "../lib/message-id.ts";
import {
  decideParts,
  markReceipts,
  parkReceipts,
  type ReceiptRow,
  readParked,
  type Settlement,
  settleMessages,
  unpark,
} from "./receipt-store.ts";

/** When a receipt without a submission is tried again; after the last it is given up. */
const PARK_MS = [1 * SECOND, 5 * SECOND, 30 * SECOND, 5 * MINUTE, 72 * HOUR];
const BATCH_MAX = 1_000;
const SWEEP_MS = 1 * SECOND;
/**
 * How long a receipt waits in memory, unacknowledged, for its submission to be recorded: many times
 * what a batch of departures takes, and short beside a carrier's own timeouts.
 */
const YOUNG_MS = 200;
/** Receipts that wait so; beyond it they are parked at once. */
const YOUNG_COUNT_MAX = 5_000;

export type Receipts = {
  /** Resolves when the receipt is durable: settled, or parked. */
  readonly record: (carrierAccount: string, carrierKey: string, receipt: Receipt) => Promise<void>;
  /** Submissions were recorded in this process: receipts that were too early may match now. */
  readonly notify: () => void;
  readonly close: () => Promise<void>;
};

/** Matches receipts with their submissions and moves their messages to the end. */
export function createReceipts(app: {
  hot: Sql;
  clock: Clock;
  writer: EventWriter;
  onSettled: () => void;
  onError: (error: unknown) => void;
}): Receipts {
  const settle = async (rows: readonly ReceiptRow[]): Promise<ReceiptRow[]> => {
    const matches = await markReceipts(app.hot, rows, app.clock());
    const settlements = new Map<MessageId, Settlement>();
    const long = new Map<MessageId, Receipt>();
    for (const { place, id, parts } of matches) {
      const receipt = rows[place - 1]?.receipt;
      if (receipt === undefined || receipt.status === "sent") continue;
      if (parts === 1) settlements.set(id, settlementOf(id, receipt));
      else if (receipt.errorCode !== undefined || !long.has(id)) long.set(id, receipt);
    }
    if (long.size > 0) {
      for (const { id, status } of await decideParts(app.hot, [...long.keys()])) {
        const receipt = long.get(id);
        if (receipt === undefined || status === "sent") continue;
        settlements.set(id, settlementOf(id, { ...receipt, status }));
      }
    }
    if (settlements.size > 0) {
      const all = [...settlements.values()];
      await app.writer.commit(all.length, (stamp) => settleMessages(app.hot, all, stamp));
      app.onSettled();
    }
    const matched = new Set(matches.map((match) => match.place));
    return rows.filter((_row, index) => !matched.has(index + 1));
  };

  const batcher = createBatcher<ReceiptRow, "durable" | "early">({
    batchMax: BATCH_MAX,
    run: async (rows) => {
      const unmatched = await settle(rows);
      const parked = unmatched.filter((row) => row.isYoung !== true);
      if (parked.length > 0) await park(parked.map((row) => ({ ...row, tries: 0 })));
      const early = new Set(unmatched.filter((row) => row.isYoung === true));
      return rows.map((row) => (early.has(row) ? "early" : "durable"));
    },
  });
  const departures = createDepartureBell();
  let isClosed = false;
  let young = 0;
  /** Every record under way: one may turn out to be early only after close() began. */
  const recording = new Set<Promise<unknown>>();

  /** Tries again at each departure, and at last parks what still has no submission. */
  const waitForSubmission = async (row: ReceiptRow, ringsBefore: number) => {
    const parkedFrom = performance.now() + YOUNG_MS;
    let seen = ringsBefore;
    while (!isClosed) {
      const leftMs = parkedFrom - performance.now();
      if (leftMs <= 0 || !(await departures.wait(leftMs, seen))) break;
      seen = departures.count();
      if ((await batcher.add({ ...row, isYoung: true })) === "durable") return;
    }
    await batcher.add(row);
  };

  const park = (rows: readonly (ReceiptRow & { readonly tries: number })[]) => {
    const now = app.clock().getTime();
    const kept = rows.filter((row) => PARK_MS[row.tries] !== undefined);
    if (kept.length === 0) return Promise.resolve();
    return parkReceipts(
      app.hot,
      kept.map((row) => ({ ...row, dueAt: new Date(now + (PARK_MS[row.tries] ?? 0)) })),
    );
  };

  const sweep = async () => {
    const rows = await readParked(app.hot, app.clock(), BATCH_MAX);
    if (rows.length === 0) return;
    const early = new Set(await settle(rows));
    const again = rows.filter((row) => early.has(row));
    await park(again.map((row) => ({ ...row, tries: row.tries + 1 })));
    await unpark(
      app.hot,
      rows.map((row) => row.parked),
    );
  };

  const recordOne = async (row: ReceiptRow) => {
    const isYoung = !isClosed && young < YOUNG_COUNT_MAX;
    const seen = departures.count();
    if ((await batcher.add({ ...row, isYoung })) === "durable") return;
    young += 1;
    await waitForSubmission(row, seen).finally(() => {
      young -= 1;
    });
  };

  let sweeping: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep).catch(app.onError);
  }, SWEEP_MS);

  return {
    record: async (carrierAccount, carrierKey, receipt) => {
      const receivedAt = app.clock();
      const recorded = recordOne({ carrierAccount, carrierKey, receipt, receivedAt });
      recording.add(recorded);
      await recorded.finally(() => recording.delete(recorded));
    },
    notify: departures.ring,
    close: async () => {
      clearInterval(timer);
      isClosed = true;
      departures.ring();
      await Promise.allSettled(recording);
      await sweeping;
      await batcher.close();
    },
  };
}

/** Wakes all who wait for a departure; a ring between two waits is not missed. */
function createDepartureBell() {
  let rings = 0;
  const waiting = new Set<() => void>();
  return {
    ring: () => {
      rings += 1;
      for (const wake of waiting) wake();
      waiting.clear();
    },
    count: () => rings,
    /** True when it rang since `seen` rings, false when the time is over. */
    wait: (ms: number, seen: number) =>
      new Promise<boolean>((resolve) => {
        if (rings !== seen) {
          resolve(true);
          return;
        }
        const wake = () => {
          clearTimeout(timer);
          resolve(true);
        };
        const timer = setTimeout(() => {
          waiting.delete(wake);
          resolve(false);
        }, ms);
        waiting.add(wake);
      }),
  };
}

function settlementOf(id: MessageId, receipt: Receipt): Settlement {
  const status = receipt.status === "delivered" ? "delivered" : "undelivered";
  return { id, status, errorCode: receipt.errorCode, doneDate: receipt.doneDate };
}
