import { hash, timingSafeEqual } from "node:crypto";
import { keepConfiguration } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import type { Seal } from "../lib/seal.ts";
import type { Sid } from "../lib/sid.ts";
import type { Account } from "./account.ts";
import { createLoginLimit } from "./login-limit.ts";
import { type KeyRow, readAccounts, readKeys } from "./store.ts";

export type Login =
  | { readonly kind: "account"; readonly account: Account }
  | { readonly kind: "denied" }
  | { readonly kind: "limited"; readonly retryAfterS: number };

/** Of a password there is only what it is compared by. */
export type Credentials = { readonly user: string; readonly passwordSha256: Buffer };

/** All accounts and keys in memory, as of the last refresh. A subaccount of a suspended or closed account is so, too. */
export type AccountBook = {
  /** The user is an account's sid with its token, or a key's sid with its secret. */
  readonly authenticate: (credentials: Credentials, address: string) => Login;
  readonly byId: (id: number) => Account | undefined;
  readonly bySid: (sid: Sid) => Account | undefined;
  /** An account's subaccounts, oldest first. */
  readonly subaccountsOf: (id: number) => readonly Account[];
  /** The auth token, in clear: it signs webhooks. */
  readonly token: (id: number) => string | undefined;
  /** Reads the tables again if the configuration changed. Must run once before the first use. */
  readonly refresh: () => Promise<void>;
};

type Snapshot = {
  readonly byId: ReadonlyMap<number, Account>;
  readonly bySid: ReadonlyMap<Sid, Account>;
  readonly subaccounts: ReadonlyMap<number, readonly Account[]>;
  readonly tokens: ReadonlyMap<number, string>;
  readonly tokenHashes: ReadonlyMap<number, Buffer>;
  readonly keys: ReadonlyMap<Sid, KeyRow>;
};

type Needs = { readonly sql: Sql; readonly seal: Seal; readonly clock: Clock };

export function createAccountBook(app: Needs): AccountBook {
  const limit = createLoginLimit(app.clock);
  const kept = keepConfiguration(app, {
    empty: takeSnapshot([], [], new Map()),
    read: async (sql): Promise<Snapshot> => {
      const accounts = await readAccounts(sql);
      const tokens = new Map(accounts.map((row) => [row.id, app.seal.open(row.sealedToken)]));
      return takeSnapshot(accounts, await readKeys(sql), tokens);
    },
  });

  return {
    authenticate: (credentials, address) => {
      const waitS = limit.waitS(address);
      if (waitS !== undefined) return { kind: "limited", retryAfterS: waitS };
      const account = accountOf(kept.current(), credentials);
      if (account !== undefined) return { kind: "account", account };
      limit.countFailure(address);
      return { kind: "denied" };
    },
    byId: (id) => kept.current().byId.get(id),
    bySid: (sid) => kept.current().bySid.get(sid),
    subaccountsOf: (id) => kept.current().subaccounts.get(id) ?? [],
    token: (id) => kept.current().tokens.get(id),
    refresh: kept.refresh,
  };
}

function takeSnapshot(
  accounts: readonly Account[],
  keys: readonly KeyRow[],
  tokens: ReadonlyMap<number, string>,
): Snapshot {
  const own = new Map(accounts.map((account) => [account.id, account]));
  const all = accounts.map((account) => {
    const parent = own.get(account.parent ?? 0);
    return parent === undefined || parent.status === "active" || account.status === "closed"
      ? account
      : { ...account, status: parent.status };
  });
  const subaccounts = new Map<number, Account[]>();
  for (const account of all) {
    if (account.parent === undefined) continue;
    const siblings = subaccounts.get(account.parent);
    if (siblings === undefined) subaccounts.set(account.parent, [account]);
    else siblings.push(account);
  }
  return {
    byId: new Map(all.map((account) => [account.id, account])),
    bySid: new Map(all.map((account) => [account.sid, account])),
    subaccounts,
    tokens,
    tokenHashes: new Map([...tokens].map(([account, token]) => [account, sha256(token)])),
    keys: new Map(keys.map((key) => [key.sid, key])),
  };
}

function accountOf(
  snapshot: Snapshot,
  { user, passwordSha256: given }: Credentials,
): Account | undefined {
  const key = snapshot.keys.get(user);
  if (key !== undefined) {
    const isRight = timingSafeEqual(given, key.secretSha256);
    return isRight ? snapshot.byId.get(key.account) : undefined;
  }
  const account = snapshot.bySid.get(user);
  const right = account && snapshot.tokenHashes.get(account.id);
  // Compared with something even when there is no such account, so that time tells nothing.
  const isRight = timingSafeEqual(given, right ?? noHash);
  return isRight && right !== undefined ? account : undefined;
}

const noHash = Buffer.alloc(32);

export function sha256(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
