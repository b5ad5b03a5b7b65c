import { readVersion } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import { createRounds } from "./rounds.ts";

const EVERY_MS = 500;

/** Tells of a version until the telling succeeds, one at a time and never in the way of who sees it. */
export function tellConfiguration(app: {
  readonly onChange: (version: bigint) => Promise<void>;
  readonly onError: (error: unknown) => void;
}) {
  let told: bigint | undefined;
  let telling: Promise<void> | undefined;
  return {
    see: (version: bigint) => {
      if (version === told || telling !== undefined) return;
      telling = app
        .onChange(version)
        .then(() => {
          told = version;
        }, app.onError)
        .finally(() => {
          telling = undefined;
        });
    },
    close: async () => telling,
  };
}

/** Asks for the configuration's version: for a process without a heartbeat, which learns it so. */
export function watchConfiguration(app: {
  readonly sql: Sql;
  readonly onChange: (version: bigint) => Promise<void>;
  readonly onError: (error: unknown) => void;
}) {
  const configuration = tellConfiguration(app);
  const rounds = createRounds({
    ...{ everyMs: EVERY_MS, onError: app.onError },
    run: async () => configuration.see(await readVersion(app.sql)),
  });
  rounds.runNow().catch(app.onError);
  return {
    close: async () => {
      await rounds.close();
      await configuration.close();
    },
  };
}
