import type { Receipt } from "../connectors/connector.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { Clock } from "../lib/clock.ts";
import type { MessageId } from "../lib/message-id.ts";
import { carrierOptOutCodes, insertCarrierOptOuts } from "./carrier-opt-outs-store.ts";
import {
  decideParts,
  markReceipts,
  type ReceiptRow,
  type Settlement,
  settleMessages,
  settleToday,
} from "./receipt-store.ts";

type Needs = { hot: Sql; clock: Clock; writer: EventWriter; onSettled: () => void };

/**
 * Matches receipts with their submissions and moves their messages to the end. Tells which have no
 * submission. At most 1,000 at a time.
 */
export async function settleReceipts<Row extends ReceiptRow>(
  app: Needs,
  rows: readonly Row[],
): Promise<Row[]> {
  const matches = await matchReceipts(app, rows);
  const settlements = new Map<MessageId, Settlement>();
  const settled: Settlement[] = [];
  const long = new Map<MessageId, Receipt>();
  for (const { place, id, parts, isSettled } of matches) {
    const receipt = rows[place - 1]?.receipt;
    if (receipt === undefined || receipt.status === "sent") continue;
    if (isSettled) settled.push(settlementOf(id, receipt));
    else if (parts === 1) settlements.set(id, settlementOf(id, receipt));
    else if (receipt.errorCode !== undefined || !long.has(id)) long.set(id, receipt);
  }
  if (long.size > 0) {
    for (const { id, status } of await decideParts(app.hot, [...long.keys()])) {
      const receipt = long.get(id);
      if (receipt === undefined || status === "sent") continue;
      settlements.set(id, settlementOf(id, { ...receipt, status }));
    }
  }
  const others = [...settlements.values()];
  if (others.length > 0) {
    await app.writer.commit(others.length, (stamp) => settleMessages(app.hot, others, stamp));
  }
  const all = [...settled, ...others];
  if (all.length > 0) {
    const optedOut = all.filter(({ errorCode }) => carrierOptOutCodes.has(errorCode));
    await insertCarrierOptOuts(
      app.hot,
      optedOut.map(({ id }) => id),
      app.clock(),
    );
    app.onSettled();
  }
  const matched = new Set(matches.map((match) => match.place));
  return rows.filter((_row, index) => !matched.has(index + 1));
}

/** Finds the submissions, today's first. */
async function matchReceipts(app: Needs, rows: readonly ReceiptRow[]) {
  const now = app.clock();
  const found = await app.writer.commit(rows.length, (stamp) =>
    settleToday(app.hot, rows, { now, stamp }),
  );
  if (found.length === rows.length) return found;
  const known = new Set(found.map(({ place }) => place));
  const places = rows.map((_row, index) => index + 1).filter((place) => !known.has(place));
  const missing = places.flatMap((place) => rows[place - 1] ?? []);
  const older = await markReceipts(app.hot, missing, now);
  return [
    ...found,
    ...older.map((match) => ({
      ...{ ...match, place: places[match.place - 1] ?? 0 },
      isSettled: false,
    })),
  ];
}

function settlementOf(id: MessageId, receipt: Receipt): Settlement {
  const status = receipt.status === "delivered" ? "delivered" : "undelivered";
  return { id, status, errorCode: receipt.errorCode, doneDate: receipt.doneDate };
}
