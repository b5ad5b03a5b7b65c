import { createHash, timingSafeEqual } from "node:crypto";
import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import type { Seal } from "../lib/seal.ts";
import type { Sid } from "../lib/sid.ts";
import type { Account } from "./account.ts";
import { createLoginLimit } from "./login-limit.ts";
import { type KeyRow, readAccounts, readKeys, readVersion } from "./store.ts";

export type Login =
  | { readonly kind: "account"; readonly account: Account }
  | { readonly kind: "denied" }
  | { readonly kind: "limited"; readonly retryAfterS: number };

/** All accounts and keys in memory, as of the last refresh. A subaccount of a suspended or closed account is so, too. */
export type AccountBook = {
  /** The user is an account's sid with its token, or a key's sid with its secret. */
  readonly authenticate: (user: string, password: string, address: string) => Login;
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
  readonly version: bigint;
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
  let snapshot: Snapshot = takeSnapshot(-1n, [], [], new Map());
  let reading: Promise<void> | undefined;
  let asked = 0;

  const read = async () => {
    let answered: number;
    do {
      answered = asked;
      // Read before the tables: a change between the two is read once more, never missed.
      const version = await readVersion(app.sql);
      if (version === snapshot.version) continue;
      const accounts = await readAccounts(app.sql);
      const tokens = new Map(accounts.map((row) => [row.id, app.seal.open(row.sealedToken)]));
      snapshot = takeSnapshot(version, accounts, await readKeys(app.sql), tokens);
    } while (answered !== asked);
  };

  return {
    authenticate: (user, password, address) => {
      const waitS = limit.waitS(address);
      if (waitS !== undefined) return { kind: "limited", retryAfterS: waitS };
      const account = accountOf(snapshot, user, password);
      if (account !== undefined) return { kind: "account", account };
      limit.countFailure(address);
      return { kind: "denied" };
    },
    byId: (id) => snapshot.byId.get(id),
    bySid: (sid) => snapshot.bySid.get(sid),
    subaccountsOf: (id) => snapshot.subaccounts.get(id) ?? [],
    token: (id) => snapshot.tokens.get(id),
    refresh: () => {
      asked += 1;
      reading ??= read().finally(() => {
        reading = undefined;
      });
      return reading;
    },
  };
}

function takeSnapshot(
  version: bigint,
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
    version,
    byId: new Map(all.map((account) => [account.id, account])),
    bySid: new Map(all.map((account) => [account.sid, account])),
    subaccounts,
    tokens,
    tokenHashes: new Map([...tokens].map(([account, token]) => [account, sha256(token)])),
    keys: new Map(keys.map((key) => [key.sid, key])),
  };
}

function accountOf(snapshot: Snapshot, user: string, password: string): Account | undefined {
  const given = sha256(password);
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

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
