import type { Sql } from "../db/sql.ts";
import type { Sid } from "../lib/sid.ts";
import type { Account, AccountStatus, ApiKey } from "./account.ts";

/** Held in memory by every process: some 100 MB. */
const ACCOUNTS_MAX = 100_000;
const KEYS_MAX = 200_000;

export type AccountRow = Account & { readonly sealedToken: Uint8Array };
export type KeyRow = {
  readonly sid: Sid;
  readonly account: number;
  readonly secretSha256: Uint8Array;
};

type Nullable = Omit<AccountRow, "parent" | "segmentsPerSecond"> & {
  readonly parent: number | null;
  readonly segmentsPerSecond: number | null;
};

export async function readAccounts(sql: Sql): Promise<AccountRow[]> {
  const rows = await sql<Nullable[]>`
    select ${accountColumns(sql)}
    from accounts
    order by account
    limit ${ACCOUNTS_MAX}
  `;
  return rows.map(withoutNull);
}

export async function readKeys(sql: Sql): Promise<KeyRow[]> {
  return sql<KeyRow[]>`
    select sid, account, secret_sha256 as "secretSha256"
    from api_keys
    limit ${KEYS_MAX}
  `;
}

export async function insertAccount(
  sql: Sql,
  account: {
    readonly sid: Sid;
    readonly parent: number | undefined;
    readonly friendlyName: string;
    readonly isTest: boolean;
    readonly sealedToken: Uint8Array;
    readonly at: Date;
  },
): Promise<Account | undefined> {
  const rows = await sql<Nullable[]>`
    insert into accounts
      (sid, parent, friendly_name, status, is_test, auth_token, created_at, updated_at)
    values (${account.sid}, ${account.parent ?? null}, ${account.friendlyName}, 'active',
      ${account.isTest}, ${account.sealedToken}, ${account.at}, ${account.at})
    returning ${accountColumns(sql)}
  `;
  return rows.map(withoutNull)[0];
}

/** A closed account stays as it is: then nothing comes back. */
export async function updateAccountRow(
  sql: Sql,
  id: number,
  change: {
    readonly friendlyName?: string | undefined;
    readonly status?: AccountStatus | undefined;
  },
  at: Date,
): Promise<Account | undefined> {
  const rows = await sql<Nullable[]>`
    update accounts
    set friendly_name = coalesce(${change.friendlyName ?? null}, friendly_name),
      status = coalesce(${change.status ?? null}, status),
      updated_at = ${at}
    where account = ${id}
      and status <> 'closed'
    returning ${accountColumns(sql)}
  `;
  return rows.map(withoutNull)[0];
}

/** What is not given stays. */
export async function updateAccountSettings(
  sql: Sql,
  id: number,
  change: Partial<Pick<Account, "whenUnknown" | "defaultPriority">>,
  at: Date,
): Promise<Account | undefined> {
  const rows = await sql<Nullable[]>`
    update accounts
    set when_unknown = coalesce(${change.whenUnknown ?? null}, when_unknown),
      default_priority = coalesce(${change.defaultPriority ?? null}::smallint, default_priority),
      updated_at = ${at}
    where account = ${id}
    returning ${accountColumns(sql)}
  `;
  return rows.map(withoutNull)[0];
}

/** Limits what an account's senders send together; null: no such limit. */
export async function updateAccountRate(
  sql: Sql,
  id: number,
  segmentsPerSecond: number | null,
  at: Date,
): Promise<void> {
  await sql`
    update accounts
    set segments_per_second = ${segmentsPerSecond}, updated_at = ${at}
    where account = ${id}
  `;
}

export async function insertKey(
  sql: Sql,
  key: ApiKey & { readonly secretSha256: Uint8Array },
): Promise<void> {
  await sql`
    insert into api_keys (sid, account, friendly_name, secret_sha256, created_at, updated_at)
    values (${key.sid}, ${key.account}, ${key.friendlyName}, ${key.secretSha256},
      ${key.createdAt}, ${key.updatedAt})
  `;
}

/** An account's keys, newest first. */
export async function listKeys(
  sql: Sql,
  filter: {
    readonly account: number;
    readonly beforeSid?: Sid | undefined;
    readonly limit: number;
  },
): Promise<ApiKey[]> {
  return sql<ApiKey[]>`
    select ${keyColumns(sql)}
    from api_keys
    where account = ${filter.account}
      ${filter.beforeSid === undefined ? sql`` : sql`and sid < ${filter.beforeSid}`}
    order by sid desc
    limit ${filter.limit}
  `;
}

export async function findKey(
  sql: Sql,
  key: { readonly account: number; readonly sid: Sid },
): Promise<ApiKey | undefined> {
  const [row] = await sql<ApiKey[]>`
    select ${keyColumns(sql)}
    from api_keys
    where account = ${key.account}
      and sid = ${key.sid}
  `;
  return row;
}

export async function renameKey(
  sql: Sql,
  key: { readonly account: number; readonly sid: Sid; readonly friendlyName: string },
  at: Date,
): Promise<ApiKey | undefined> {
  const [row] = await sql<ApiKey[]>`
    update api_keys
    set friendly_name = ${key.friendlyName}, updated_at = ${at}
    where account = ${key.account}
      and sid = ${key.sid}
    returning ${keyColumns(sql)}
  `;
  return row;
}

/** Whether there was such a key. */
export async function deleteKey(
  sql: Sql,
  key: { readonly account: number; readonly sid: Sid },
): Promise<boolean> {
  const result = await sql`
    delete from api_keys
    where account = ${key.account}
      and sid = ${key.sid}
  `;
  return result.count > 0;
}

function accountColumns(sql: Sql) {
  return sql`account as id, sid, parent, friendly_name as "friendlyName", status,
    is_test as "isTest", when_unknown as "whenUnknown", segments_per_second as "segmentsPerSecond", default_priority as "defaultPriority", auth_token as "sealedToken",
    created_at as "createdAt", updated_at as "updatedAt"`;
}

function keyColumns(sql: Sql) {
  return sql`sid, account, friendly_name as "friendlyName", created_at as "createdAt",
    updated_at as "updatedAt"`;
}

function withoutNull(row: Nullable): AccountRow {
  return {
    ...row,
    parent: row.parent ?? undefined,
    segmentsPerSecond: row.segmentsPerSecond ?? undefined,
  };
}
