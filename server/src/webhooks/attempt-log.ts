import type { Sql } from "../db/sql.ts";
import { type Attempt, insertAttempts } from "./store.ts";

/** Keeps attempts in batches beside the calls, which do not wait for it. */
export type AttemptLog = {
  add: (attempt: Attempt) => void;
  state: () => { lost: number };
  /** Resolves when all that were added are kept or lost. */
  close: () => Promise<void>;
};

const BATCH_MAX = 500;
const LINGER_MS = 100;
/** Attempts that may wait for the database; beyond it they are counted as lost. */
const WAITING_MAX = 20_000;

export function createAttemptLog(sql: Sql): AttemptLog {
  const waiting: Attempt[] = [];
  let lost = 0;
  let isClosed = false;
  let writing: Promise<void> | undefined;

  const write = async () => {
    while (waiting.length > 0) {
      const isFull = waiting.length >= BATCH_MAX;
      if (!isFull && !isClosed) await new Promise((done) => setTimeout(done, LINGER_MS));
      const attempts = waiting.splice(0, BATCH_MAX);
      await insertAttempts(sql, attempts).catch(() => {
        lost += attempts.length;
      });
    }
    writing = undefined;
  };

  return {
    add: (attempt) => {
      if (waiting.length >= WAITING_MAX) lost += 1;
      else {
        waiting.push(attempt);
        writing ??= write();
      }
    },
    state: () => ({ lost }),
    close: async () => {
      isClosed = true;
      await writing;
    },
  };
}
