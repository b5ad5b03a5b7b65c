import type { Sql } from "../db/sql.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Attempt, insertAttempts } from "./store.ts";

/** Keeps attempts in batches beside the calls, which do not wait for it. */
export type AttemptLog = {
  add: (attempt: Attempt) => void;
  state: () => { lost: number };
  close: () => Promise<void>;
};

const BATCH_MAX = 500;
const LINGER_MS = 100;
/** Attempts that may wait for the database; beyond it they are counted as lost. */
const WAITING_MAX = 20_000;

export function createAttemptLog(sql: Sql): AttemptLog {
  let lost = 0;
  const batcher = createBatcher<Attempt, undefined>({
    batchMax: BATCH_MAX,
    lingerMs: LINGER_MS,
    run: async (attempts) => {
      await insertAttempts(sql, attempts);
      return attempts.map(() => undefined);
    },
  });
  return {
    add: (attempt) => {
      if (batcher.size() >= WAITING_MAX) lost += 1;
      else
        batcher.add(attempt).catch(() => {
          lost += 1;
        });
    },
    state: () => ({ lost }),
    close: () => batcher.close(),
  };
}
