import type { Receipt } from "../connectors/connector.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, HOUR, MINUTE, SECOND } from "../lib/clock.ts";
import { createEarlyReceipts } from "./early-receipts.ts";
import { parkReceipts, type ReceiptRow, readParked, settleParked } from "./receipt-store.ts";
import { settleReceipts } from "./settle-receipts.ts";

/** When a parked receipt is tried at first, and then again; after the last it is given up. */
const PARKED_MS = 1 * SECOND;
const AGAIN_MS = [5 * SECOND, 30 * SECOND, 5 * MINUTE, 72 * HOUR];
const BATCH_MAX = 1_000;
/** Carriers wait for our answer longer than this by far. */
const LINGER_MS = 10;
const SWEEP_MS = 1 * SECOND;

export type Receipts = {
  /** Resolves when the receipt is durable: settled, or parked. */
  readonly record: (carrierAccount: string, carrierKey: string, receipt: Receipt) => Promise<void>;
  /** Submissions were recorded in this process: receipts that were too early may match now. */
  readonly notify: () => void;
  readonly close: () => Promise<void>;
};

type Needs = {
  hot: Sql;
  clock: Clock;
  writer: EventWriter;
  onSettled: () => void;
  onError: (error: unknown) => void;
};

/** Matches receipts with their submissions and moves their messages to the end. */
export function createReceipts(app: Needs): Receipts {
  const settle = oneAtATime(app);
  const park = (rows: readonly ReceiptRow[]) =>
    parkReceipts(app.hot, rows, later(app.clock(), PARKED_MS));
  const early = createEarlyReceipts({ settle, park });

  const batcher = createBatcher<ReceiptRow, { held: Promise<void> | undefined }>({
    batchMax: BATCH_MAX,
    lingerMs: LINGER_MS,
    run: async (rows) => {
      const departures = early.departures();
      const unmatched = new Set(await settle(rows));
      const held = rows.map((row) =>
        unmatched.has(row) ? early.hold(row, departures) : undefined,
      );
      const parked = rows.filter((row, index) => unmatched.has(row) && held[index] === undefined);
      if (parked.length > 0) await park(parked);
      return held.map((done) => ({ held: done }));
    },
  });

  const sweep = async () => {
    const rows = await readParked(app.hot, app.clock(), BATCH_MAX);
    if (rows.length === 0) return;
    const unmatched = new Set(await settle(rows));
    const next = rows.map((row) => {
      const againMs = unmatched.has(row) ? AGAIN_MS[row.tries] : undefined;
      const dueAt = againMs === undefined ? undefined : later(app.clock(), againMs);
      return { parked: row.parked, tries: row.tries + 1, dueAt };
    });
    await settleParked(app.hot, next);
  };
  let sweeping: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep).catch(app.onError);
  }, SWEEP_MS);

  return {
    record: async (carrierAccount, carrierKey, receipt) => {
      const receivedAt = app.clock();
      const row = { carrierAccount, carrierKey, receipt, receivedAt, isYoung: true };
      const { held } = await batcher.add(row);
      if (held !== undefined) await held;
    },
    notify: early.notify,
    close: async () => {
      clearInterval(timer);
      await early.close();
      await batcher.close();
      await sweeping;
    },
  };
}

function later(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}

/** Two batches that hold receipts of the same submissions would wait for each other's rows. */
function oneAtATime(app: Needs) {
  let last: Promise<unknown> = Promise.resolve();
  return <Row extends ReceiptRow>(rows: readonly Row[]): Promise<Row[]> => {
    const result = last.then(() => settleReceipts(app, rows));
    last = result.catch(() => undefined);
    return result;
  };
}
