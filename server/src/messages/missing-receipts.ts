import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { type Clock, HOUR } from "../lib/clock.ts";
import { findUnreceipted, settleMessages } from "./receipt-store.ts";

const BATCH_MAX = 1_000;
/** Twilio's code for an end without a reason. */
const UNKNOWN_ERROR = 30008;

/**
 * Ends messages that were sent so many hours ago and of which the carrier has said nothing since: as
 * undelivered, for nobody knows. What a receipt says after that changes nothing. Tells how many.
 */
export async function endUnreceipted(
  app: { readonly sql: Sql; readonly clock: Clock; readonly writer: EventWriter },
  hours: number,
): Promise<number> {
  const sentBefore = new Date(app.clock().getTime() - hours * HOUR);
  let count = 0;
  for (;;) {
    const ids = await findUnreceipted(app.sql, sentBefore, BATCH_MAX);
    if (ids.length === 0) return count;
    const ends = ids.map((id) => ({
      ...({ id, status: "undelivered", errorCode: UNKNOWN_ERROR, doneDate: undefined } as const),
    }));
    await app.writer.commit(ends.length, (stamp) => settleMessages(app.sql, ends, stamp));
    count += ids.length;
  }
}
