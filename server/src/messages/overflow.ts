import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { MessageId } from "../lib/message-id.ts";
import type { AcceptedRow, StoreVerdict } from "./accept-store.ts";
import { storeFailed } from "./overflow-store.ts";

/** The service's queue, or that of its sender, is full. */
const OVERFLOW = 30001;

/**
 * A full queue refuses a message with a sender of its own choice; one of a messaging service is
 * stored as failed, as at Twilio. Only what did not fit costs this second statement.
 */
export async function failOverflow(
  app: { readonly hot: Sql; readonly isClosed: () => boolean },
  batch: {
    readonly rows: readonly AcceptedRow[];
    readonly verdicts: Map<MessageId, StoreVerdict>;
  },
  writer: EventWriter,
): Promise<void> {
  const failed = batch.rows.filter(
    ({ id, options }) => options?.service !== undefined && batch.verdicts.get(id) === "full",
  );
  if (failed.length === 0) return;
  await untilStored(
    () =>
      writer.commit(failed.length, (stamp) =>
        storeFailed(app.hot, { rows: failed, errorCode: OVERFLOW }, stamp),
      ),
    app.isClosed,
  );
  for (const { id } of failed) batch.verdicts.set(id, "stored");
}
