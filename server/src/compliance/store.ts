import type { Sql } from "../db/sql.ts";
import type { PhoneNumber } from "../numbers/phone-number.ts";

export type OptOutSource = "keyword" | "api" | "import" | "carrier";

/** Where an opt-out holds: an account's messaging service (`MG…`), or a sender used alone. */
export type OptOutScope = { readonly account: number; readonly pool: string };

export type OptOutKey = OptOutScope & { readonly recipient: PhoneNumber };

export type OptOut = OptOutKey & {
  readonly source: OptOutSource;
  readonly keyword: string | undefined;
  readonly optedOutAt: Date;
};

export type OptOutFilter = {
  readonly account: number;
  readonly pool?: string | undefined;
  readonly recipient?: PhoneNumber | undefined;
  /** The last one of the page before. */
  readonly after?: { readonly pool: string; readonly recipient: string } | undefined;
  readonly limit: number;
};

/** Records that recipients opted out of a pool; gives those that are new. An older record stays. */
export async function insertOptOuts(
  sql: Sql,
  optOut: OptOutScope & { source: OptOutSource; keyword?: string | undefined },
  recipients: readonly PhoneNumber[],
  at: Date,
): Promise<PhoneNumber[]> {
  // In order, so that two imports of the same numbers wait for each other instead of deadlocking.
  const rows = await sql<{ recipient: PhoneNumber }[]>`
    insert into opt_outs (account, pool, recipient, source, keyword, opted_out_at)
    select ${optOut.account}, ${optOut.pool}, recipient, ${optOut.source},
      ${optOut.keyword ?? null}, ${at}
    from unnest(${[...recipients]}::text[]) as recipient
    order by recipient
    on conflict do nothing
    returning recipient
  `;
  return rows.map((row) => row.recipient);
}

/** Takes opt-outs back; gives the recipients that had one, once for each pool. */
export async function removeOptOuts(
  sql: Sql,
  scope: { readonly account: number; readonly pools: readonly string[] },
  recipients: readonly PhoneNumber[],
): Promise<PhoneNumber[]> {
  const rows = await sql<{ recipient: PhoneNumber }[]>`
    delete from opt_outs
    where account = ${scope.account}
      and pool = any(${[...scope.pools]}::text[])
      and recipient = any(${[...recipients]}::text[])
    returning recipient
  `;
  return rows.map((row) => row.recipient);
}

/** A page of an account's opt-outs by pool and recipient; stable while others come and go. */
export async function listOptOuts(sql: Sql, filter: OptOutFilter): Promise<OptOut[]> {
  const { account, pool, recipient, after, limit } = filter;
  const rows = await sql<(Omit<OptOut, "keyword"> & { keyword: string | null })[]>`
    select account, pool, recipient, source, keyword, opted_out_at as "optedOutAt"
    from opt_outs
    where account = ${account}
      ${pool === undefined ? sql`` : sql`and pool = ${pool}`}
      ${recipient === undefined ? sql`` : sql`and recipient = ${recipient}`}
      ${after === undefined ? sql`` : sql`and (pool, recipient) > (${after.pool}, ${after.recipient})`}
    order by pool, recipient
    limit ${limit}
  `;
  return rows.map((row) => ({ ...row, keyword: row.keyword ?? undefined }));
}

/** For each key, in order, whether its recipient opted out: one statement for a batch at accept. */
export async function findOptedOut(sql: Sql, keys: readonly OptOutKey[]): Promise<boolean[]> {
  if (keys.length === 0) return [];
  // The limit keeps the planner to one probe of the primary key for each, never a scan of the table.
  const rows = await sql<{ isOptedOut: boolean }[]>`
    select found.yes is not null as "isOptedOut"
    from unnest(
      ${keys.map((key) => key.account)}::int[],
      ${keys.map((key) => key.pool)}::text[],
      ${keys.map((key) => key.recipient)}::text[]
    ) with ordinality as wanted (account, pool, recipient, position)
    left join lateral (
      select true as yes
      from opt_outs
      where opt_outs.account = wanted.account
        and opt_outs.pool = wanted.pool
        and opt_outs.recipient = wanted.recipient
      limit 1
    ) as found on true
    order by position
  `;
  return rows.map((row) => row.isOptedOut);
}
