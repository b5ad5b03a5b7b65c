import { randomBytes } from "node:crypto";
import { insertAccount, readAccounts } from "./accounts/store.ts";
import type { Config } from "./config.ts";
import type { Sql } from "./db/sql.ts";
import type { Clock } from "./lib/clock.ts";
import { StartError } from "./lib/errors.ts";
import type { Seal } from "./lib/seal.ts";
import { newSid } from "./lib/sid.ts";
import { claimNumber, importInventory } from "./senders/store.ts";
import { simulatedNumbers } from "./simulator/simulator.ts";

type Needs = {
  readonly sql: Sql;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly config: Config;
};

export type FirstAccount = { readonly id: number; readonly sid: string; readonly token: string };

/** The first account, made when there is none. The token is returned only then. */
export async function findFirstAccount(
  app: Needs,
): Promise<{ account: FirstAccount; isNew: boolean }> {
  const [first] = await readAccounts(app.sql);
  if (first !== undefined) {
    const token = openToken(app, first.sealedToken);
    return { account: { id: first.id, sid: first.sid, token }, isNew: false };
  }
  const at = app.clock();
  const token = app.config.authToken ?? randomBytes(16).toString("hex");
  const account = await insertAccount(app.sql, {
    sid: app.config.accountSid ?? newSid("AC", at),
    ...{ parent: undefined, friendlyName: "First account", isTest: false, at },
    sealedToken: app.seal.seal(token),
  });
  if (account === undefined) throw new Error("The first account was not stored.");
  return { account: { id: account.id, sid: account.sid, token }, isNew: true };
}

function openToken({ seal }: Needs, sealed: Uint8Array): string {
  try {
    return seal.open(sealed);
  } catch {
    throw new StartError(
      "This database was written with another secret key. Set LONGWAVE_SECRET_KEY to that one, or put it back as secret.key in the data folder.",
    );
  }
}

/** Gives the simulated network's numbers to the first account, ready to send from. */
export async function seedSimulatedNumbers(app: Needs, account: number): Promise<void> {
  const at = app.clock();
  const rows = simulatedNumbers.map((number) => ({
    ...{ ...number, country: "US", connector: "simulator" },
  }));
  const { added } = await importInventory(app.sql, rows, at);
  if (added === 0) return;
  for (const { number, kind } of simulatedNumbers) {
    const sid = newSid(kind === "short_code" ? "SC" : "PN", at);
    await claimNumber(app.sql, { account, number, sid }, {}, at);
  }
}
