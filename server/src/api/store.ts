import type { Sql } from "../db/sql.ts";

export type IdempotencyKey = { readonly account: number; readonly key: string };
export type StoredAnswer = {
  readonly requestSha256: Uint8Array;
  /** Null while the first request runs. */
  readonly status: number | null;
  readonly body: string | null;
};

/** Takes a key that nobody used since `since`; tells whether it did. */
export async function takeKey(
  sql: Sql,
  key: IdempotencyKey,
  requestSha256: Uint8Array,
  times: { readonly at: Date; readonly since: Date },
): Promise<boolean> {
  const result = await sql`
    insert into idempotency_keys (account, key, request_sha256, created_at)
    values (${key.account}, ${key.key}, ${requestSha256}, ${times.at})
    on conflict (account, key) do update
    set request_sha256 = excluded.request_sha256, created_at = excluded.created_at,
      response_status = null, response_body = null
    where idempotency_keys.created_at < ${times.since}
  `;
  return result.count > 0;
}

export async function findAnswer(sql: Sql, key: IdempotencyKey): Promise<StoredAnswer | undefined> {
  const [row] = await sql<StoredAnswer[]>`
    select request_sha256 as "requestSha256", response_status as status, response_body as body
    from idempotency_keys
    where account = ${key.account}
      and key = ${key.key}
  `;
  return row;
}

export async function storeAnswer(
  sql: Sql,
  key: IdempotencyKey,
  answer: { readonly status: number; readonly body: string },
): Promise<void> {
  await sql`
    update idempotency_keys
    set response_status = ${answer.status}, response_body = ${answer.body}
    where account = ${key.account}
      and key = ${key.key}
  `;
}

export async function giveKeyBack(sql: Sql, key: IdempotencyKey): Promise<void> {
  await sql`
    delete from idempotency_keys
    where account = ${key.account}
      and key = ${key.key}
      and response_status is null
  `;
}

export async function deleteKeysBefore(sql: Sql, before: Date): Promise<void> {
  await sql`
    delete from idempotency_keys
    where created_at < ${before}
  `;
}
