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

function settlementOf(id: MessageId, receipt: Receipt): Settlement {
  const status = receipt.status === "delivered" ? "delivered" : "undelivered";
  return { id, status, errorCode: receipt.errorCode, doneDate: receipt.doneDate };
}
