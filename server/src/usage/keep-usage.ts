import type { Sql } from "../db/sql.ts";
import { finishClosedWriters } from "../events/store.ts";
import { SECOND } from "../lib/clock.ts";
import { countEvents, USAGE_READER } from "./store.ts";
import { fireTriggers } from "./trigger-store.ts";

/** So far usage may be behind. */
const COUNT_EVERY_MS = 5 * SECOND;
/** In one transaction, some tenths of a second. */
const EVENTS_MAX = 10_000;
const FINISH_EVERY_ROUNDS = 60;
const FIRE_EVERY_ROUNDS = 12;

/** Sums the event log into usage and fires what that triggers, in whichever process comes first. */
export function keepUsage(app: { readonly sql: Sql; readonly onError: (error: unknown) => void }) {
  let isClosed = false;
  let rounds = 0;
  let running: Promise<unknown> = Promise.resolve();

  const count = async () => {
    let counted = 0;
    let isMore = true;
    while (isMore && !isClosed) {
      const added = await countEvents(app.sql, EVENTS_MAX);
      counted += added;
      isMore = added === EVENTS_MAX;
    }
    // Also without news: who counted it may have died before.
    if (counted > 0 || rounds % FIRE_EVERY_ROUNDS === 0) await fireTriggers(app.sql);
    if (rounds % FINISH_EVERY_ROUNDS === 0) await finishClosedWriters(app.sql, USAGE_READER);
    rounds += 1;
  };
  const run = () => {
    running = running.then(count).catch(app.onError);
  };
  const timer = setInterval(run, COUNT_EVERY_MS);
  timer.unref();
  return {
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      await running;
    },
  };
}
