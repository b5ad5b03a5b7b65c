import { isDatabaseAway } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { MessageId } from "../lib/message-id.ts";
import { type AcceptedRow, findStored, type StoreVerdict, storeAccepted } from "./accept-store.ts";

const RETRY_MS = 200;

type Needs = { readonly hot: Sql; readonly isClosed: () => boolean };

/**
 * Stores a batch and knows what became of each row. A lost answer is asked for again with the same
 * ids: stored once, however often it is sent.
 */
export async function storeUntilCertain(
  app: Needs,
  rows: readonly AcceptedRow[],
  writer: EventWriter,
): Promise<Map<MessageId, StoreVerdict>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const verdicts = await writer.commit(rows.length, (stamp) =>
        storeAccepted(app.hot, rows, stamp),
      );
      const doubtful = rows.filter(
        (row) => (attempt > 1 || row.mayBeStored) && verdicts.get(row.id) !== "stored",
      );
      if (doubtful.length > 0) {
        const ids = doubtful.map((row) => row.id);
        for (const id of await findStored(app.hot, ids)) verdicts.set(id, "stored");
      }
      return verdicts;
    } catch (error) {
      if (isPoison(error)) return storeApart(app, { rows, writer, error });
      if (app.isClosed() || !isDatabaseAway(error)) throw error;
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

/** One value that PostgreSQL refuses must not fail its neighbours: halve until it stands alone. */
async function storeApart(
  app: Needs,
  { rows, writer, error }: { rows: readonly AcceptedRow[]; writer: EventWriter; error: unknown },
): Promise<Map<MessageId, StoreVerdict>> {
  if (rows.length === 1 || app.isClosed()) throw error;
  const half = rows.length >> 1;
  const settled = await Promise.allSettled([
    storeUntilCertain(app, rows.slice(0, half), writer),
    storeUntilCertain(app, rows.slice(half), writer),
  ]);
  return new Map(settled.flatMap((one) => (one.status === "fulfilled" ? [...one.value] : [])));
}

/** PostgreSQL's class 22: the data itself is refused. */
function isPoison(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("22");
}
