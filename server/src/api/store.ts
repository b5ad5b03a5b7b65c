import type { Sql } from "../db/sql.ts";
import type { MessageId } from "../lib/message-id.ts";

export type IdempotencyKey = { readonly account: number; readonly key: string };
export type StoredAnswer = {
  readonly requestSha256: Uint8Array;
  /** Whether what it accepts has reserved ids, so that it can be run again without harm. */
  readonly isRepeatable: boolean;
  /** Whoever took it is not heard of since `abandonedBefore`. */
  readonly isAbandoned: boolean;
  /** Null while the first request runs. */
  readonly status: number | null;
  readonly body: string | null;
};

export type KeyTimes = {
  readonly at: Date;
  /** Keys from before may be used anew. */
  readonly since: Date;
  /** Whoever took a key before this and has not answered is gone. */
  readonly abandonedBefore: Date;
};

/**
 * Takes a key that nobody used since `since`, or one whose request was abandoned and can be run
 * again: then with the ids reserved at first. Nothing when it is somebody else's.
 */
export async function takeKey(
  sql: Sql,
  key: IdempotencyKey & {
    readonly requestSha256: Uint8Array;
    readonly message: MessageId | undefined;
  },
  { at, since, abandonedBefore }: KeyTimes,
): Promise<{ readonly message: MessageId | null } | undefined> {
  const [row] = await sql<{ message: MessageId | null }[]>`
    insert into idempotency_keys as old (account, key, request_sha256, message, created_at, taken_at)
    values (${key.account}, ${key.key}, ${key.requestSha256},
      ${key.message === undefined ? null : String(key.message)}::bigint, ${at}, ${at})
    on conflict (account, key) do update
    set request_sha256 = excluded.request_sha256, taken_at = excluded.taken_at,
      response_status = null, response_body = null,
      message = case when old.created_at < ${since} then excluded.message else old.message end,
      created_at = case when old.created_at < ${since} then excluded.created_at else old.created_at end
    where old.created_at < ${since}
      or (old.response_status is null and old.message is not null
        and old.taken_at < ${abandonedBefore} and old.request_sha256 = excluded.request_sha256)
    returning message
  `;
  return row;
}

export async function findAnswer(
  sql: Sql,
  key: IdempotencyKey,
  { since, abandonedBefore }: KeyTimes,
): Promise<StoredAnswer | undefined> {
  const [row] = await sql<StoredAnswer[]>`
    select request_sha256 as "requestSha256", message is not null as "isRepeatable",
      taken_at < ${abandonedBefore} as "isAbandoned",
      response_status as status, response_body as body
    from idempotency_keys
    where account = ${key.account}
      and key = ${key.key}
      and created_at >= ${since}
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
      and response_status is null
  `;
}

/** A key under which certainly nothing was stored, from who took it at `takenAt`. */
export async function giveKeyBack(sql: Sql, key: IdempotencyKey, takenAt: Date): Promise<void> {
  await sql`
    delete from idempotency_keys
    where account = ${key.account}
      and key = ${key.key}
      and response_status is null
      and taken_at = ${takenAt}
  `;
}

/** A key whose outcome is not certain: the next request takes it, with the ids reserved for it. */
export async function letKeyGo(sql: Sql, key: IdempotencyKey, takenAt: Date): Promise<void> {
  await sql`
    update idempotency_keys
    set taken_at = '-infinity'
    where account = ${key.account}
      and key = ${key.key}
      and response_status is null
      and taken_at = ${takenAt}
  `;
}

export async function deleteKeysBefore(sql: Sql, before: Date): Promise<void> {
  await sql`
    delete from idempotency_keys
    where created_at < ${before}
  `;
}

export async function ping(sql: Sql): Promise<void> {
  await sql`select 1`;
}
