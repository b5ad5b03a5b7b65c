import type { AnswerFate } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, MINUTE } from "../lib/clock.ts";
import { deleteUnanswered, insertUnanswered, type Unanswered } from "./inbound-store.ts";

/** Follows our answers to carriers: a text counts as unanswered until the carrier has its answer. */
export type InboundAnswers = {
  readonly follow: (unanswered: bigint, text: Unanswered) => (fate: AnswerFate) => void;
  readonly close: () => Promise<void>;
};

const BATCH_MAX = 1_000;
/** An answer that was written has most likely arrived: only what comes soon is a repetition. */
const DOUBTED_FOR_MS = 5 * MINUTE;

export function createInboundAnswers(app: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}): InboundAnswers {
  let isClosed = false;
  const isOver = () => isClosed;
  const deletes = createBatcher<bigint, undefined>({
    batchMax: BATCH_MAX,
    run: async (answered) => {
      await untilStored(() => deleteUnanswered(app.sql, answered), isOver);
      return answered.map(() => undefined);
    },
  });
  const restoring = new Set<Promise<unknown>>();

  const restore = async (text: Unanswered, deleted: Promise<unknown>) => {
    await deleted;
    const expiresAt = new Date(app.clock().getTime() + DOUBTED_FOR_MS);
    await untilStored(() => insertUnanswered(app.sql, { ...text, expiresAt }), isOver);
  };

  return {
    follow: (unanswered, text) => {
      let deleted: Promise<unknown> | undefined;
      return (fate) => {
        if (fate === "written") {
          deleted = deletes.add(unanswered).catch(app.onError);
        } else if (fate === "lost" && deleted !== undefined) {
          const restored = restore(text, deleted).catch(app.onError);
          restoring.add(restored);
          void restored.finally(() => restoring.delete(restored));
        }
      };
    },
    close: async () => {
      isClosed = true;
      await deletes.close();
      await Promise.all(restoring);
    },
  };
}
