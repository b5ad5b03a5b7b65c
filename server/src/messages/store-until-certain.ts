import { isDatabaseAway } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter, Stamp } from "../events/log.ts";
import type { MessageId } from "../lib/message-id.ts";
import {
  findStored,
  isLaneFull,
  type NewBatch,
  type StoreVerdict,
  storeAccepted,
} from "./accept-store.ts";

const RETRY_MS = 200;

type Needs = {
  readonly hot: Sql;
  readonly isClosed: () => boolean;
  /** Batches are large, and several at a time go to the same lanes. */
  readonly isBulk?: boolean;
};

/**
 * Stores a batch and knows what became of each row. A lost answer is asked for again with the same
 * ids: stored once, however often it is sent; but whether its claims were made is not known then.
 */
export async function storeUntilCertain(
  app: Needs,
  { rows, direct }: Pick<NewBatch, "rows" | "direct">,
  writer: EventWriter,
): Promise<Map<MessageId, StoreVerdict>> {
  for (let attempt = 1; ; attempt += 1) {
    const isFirst = attempt === 1;
    const isAgain = !isFirst || rows.some(({ mayBeStored }) => mayBeStored);
    const batch = { rows, isAgain, direct: isAgain ? undefined : direct };
    try {
      const verdicts = await writer.commit(rows.length, (stamp) =>
        app.isBulk === true && !isAgain
          ? storeBulk(app.hot, batch, stamp)
          : storeAccepted(app.hot, batch, stamp),
      );
      const doubtful = rows.filter(
        (row) => (!isFirst || row.mayBeStored) && verdicts.get(row.id) !== "stored",
      );
      if (doubtful.length > 0) {
        const ids = doubtful.map((row) => row.id);
        for (const id of await findStored(app.hot, ids)) verdicts.set(id, "stored");
      }
      if (!isFirst) doubtClaims(verdicts, direct);
      return verdicts;
    } catch (error) {
      if (isPoison(error)) return storeApart(app, { rows, direct: batch.direct, writer, error });
      if (app.isClosed() || !isDatabaseAway(error)) throw error;
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

/** What a lane cannot take all of is divided by a statement that holds it throughout. */
async function storeBulk(hot: Sql, batch: NewBatch, stamp: Stamp) {
  try {
    const verdicts = await storeAccepted(hot, { ...batch, locksLast: true }, stamp);
    if (verdicts.size > 0) return verdicts;
  } catch (error) {
    if (!isLaneFull(error)) throw error;
  }
  return storeAccepted(hot, batch, stamp);
}

function doubtClaims(verdicts: Map<MessageId, StoreVerdict>, direct: NewBatch["direct"]): void {
  for (const id of direct?.claims.keys() ?? []) {
    if (verdicts.get(id) === "stored") verdicts.set(id, "claim unknown");
  }
}

/** One value that PostgreSQL refuses must not fail its neighbours: halve until it stands alone. */
async function storeApart(
  app: Needs,
  {
    rows,
    direct,
    writer,
    error,
  }: Pick<NewBatch, "rows" | "direct"> & { writer: EventWriter; error: unknown },
): Promise<Map<MessageId, StoreVerdict>> {
  if (rows.length === 1 || app.isClosed()) throw error;
  const half = rows.length >> 1;
  const settled = await Promise.allSettled([
    storeUntilCertain(app, { rows: rows.slice(0, half), direct }, writer),
    storeUntilCertain(app, { rows: rows.slice(half), direct }, writer),
  ]);
  return new Map(settled.flatMap((one) => (one.status === "fulfilled" ? [...one.value] : [])));
}

/** PostgreSQL's class 22: the data itself is refused. */
function isPoison(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("22");
}
