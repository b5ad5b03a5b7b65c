import { createHash, randomBytes } from "node:crypto";
import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import { ApiError } from "../lib/errors.ts";
import type { Seal } from "../lib/seal.ts";
import { newSid } from "../lib/sid.ts";
import type { Account, AccountStatus, ApiKey } from "./account.ts";
import { insertAccount, insertKey, updateAccountRow } from "./store.ts";

type Needs = { readonly sql: Sql; readonly seal: Seal; readonly clock: Clock };

/** A main account, or with `parent` a subaccount. The token is 32 hexadecimal digits. */
export async function createAccount(
  app: Needs,
  wanted: {
    readonly friendlyName?: string | undefined;
    readonly parent?: number | undefined;
    readonly isTest?: boolean | undefined;
  },
): Promise<{ account: Account; token: string }> {
  const at = app.clock();
  const token = randomBytes(16).toString("hex");
  const account = await insertAccount(app.sql, {
    sid: newSid("AC", at),
    parent: wanted.parent,
    friendlyName: wanted.friendlyName ?? `Account created at ${at.toISOString()}`,
    isTest: wanted.isTest ?? false,
    sealedToken: app.seal.seal(token),
    at,
  });
  if (account === undefined) throw new Error("The new account was not stored.");
  return { account, token };
}

/** Only a subaccount's status can change, and a closed account never comes back: else 20001. */
export async function updateAccount(
  app: Pick<Needs, "sql" | "clock">,
  account: Account,
  change: {
    readonly friendlyName?: string | undefined;
    readonly status?: AccountStatus | undefined;
  },
): Promise<Account> {
  if (change.status !== undefined && account.parent === undefined) {
    throw new ApiError(
      400,
      20001,
      "The status of a main account cannot be changed here. Suspend or close its subaccounts.",
    );
  }
  const updated = await updateAccountRow(app.sql, account.id, change, app.clock());
  if (updated === undefined) {
    throw new ApiError(
      400,
      20001,
      `The account ${account.sid} is closed and stays so. Create another.`,
    );
  }
  return updated;
}

/** The secret is told once and stored as its hash only. */
export async function createKey(
  app: Pick<Needs, "sql" | "clock">,
  account: number,
  friendlyName: string,
): Promise<{ key: ApiKey; secret: string }> {
  const at = app.clock();
  // Letters and digits only: the Go SDK of Twilio refuses any other character in a secret.
  const secret = randomBytes(24).toString("hex");
  const key = { sid: newSid("SK", at), account, friendlyName, createdAt: at, updatedAt: at };
  const secretSha256 = createHash("sha256").update(secret).digest();
  await insertKey(app.sql, { ...key, secretSha256 });
  return { key, secret };
}
