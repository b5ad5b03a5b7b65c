import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import type { MessageId } from "../lib/message-id.ts";

/** One call to a customer. The URL is without credentials, query and fragment. */
export type Attempt = {
  readonly id: MessageId;
  readonly at: Date;
  readonly account: number;
  readonly kind: "status" | "inbound";
  /** The status told, or `inbound`. */
  readonly about: string;
  readonly attempt: number;
  readonly url: string;
  readonly httpStatus: number | undefined;
  readonly error: string | undefined;
  readonly durationMs: number;
};

export type NewRetry = {
  readonly dueAt: Date;
  readonly host: string;
  readonly kind: "status" | "inbound" | "replay" | "usage";
  readonly account: number;
  readonly id: MessageId;
  /** Attempts made so far. */
  readonly attempt: number;
  readonly firstAt: Date;
  readonly data: Readonly<Record<string, unknown>>;
};

export type Retry = NewRetry & { readonly retry: bigint };

const ATTEMPTS_LISTED_MAX = 200;

export async function insertAttempts(sql: Sql, attempts: readonly Attempt[]): Promise<void> {
  await sql`
    insert into callback_attempts
      (id, at, account, kind, about, attempt, url, http_status, error, duration_ms, day)
    select *, (at at time zone 'UTC')::date
    from (
      select unnest(${arrayOf(attempts, ({ id }) => id)}::bigint[]) as id,
        to_timestamp(unnest(${arrayOf(attempts, ({ at }) => at.getTime())}::float8[]) / 1000) as at,
        unnest(${arrayOf(attempts, ({ account }) => account)}::int[]),
        unnest(${arrayOf(attempts, ({ kind }) => kind)}::text[]),
        unnest(${arrayOf(attempts, ({ about }) => about)}::text[]),
        unnest(${arrayOf(attempts, ({ attempt }) => attempt)}::smallint[]),
        unnest(${arrayOf(attempts, ({ url }) => url)}::text[]),
        unnest(${arrayOf(attempts, ({ httpStatus }) => httpStatus)}::smallint[]),
        unnest(${arrayOf(attempts, ({ error }) => error)}::text[]),
        unnest(${arrayOf(attempts, ({ durationMs }) => durationMs)}::int[])
    ) as item
  `;
}

/** What was tried for a message, oldest first. */
export async function listAttempts(
  sql: Sql,
  message: { account: number; id: MessageId },
): Promise<Attempt[]> {
  const rows = await sql<(Attempt & { httpStatus: number | null; error: string | null })[]>`
    select id, at, account, kind, about, attempt, url, http_status as "httpStatus", error,
      duration_ms as "durationMs"
    from callback_attempts
    where id = ${message.id} and account = ${message.account}
    order by at
    limit ${ATTEMPTS_LISTED_MAX}
  `;
  return rows.map((row) => ({
    ...row,
    httpStatus: row.httpStatus ?? undefined,
    error: row.error ?? undefined,
  }));
}

/** Keeps webhooks for later; returns their numbers in the same order. */
export async function insertRetries(sql: Sql, retries: readonly NewRetry[]): Promise<bigint[]> {
  const rows = retries.map((retry) => ({
    due_at: retry.dueAt.toISOString(),
    host: retry.host,
    kind: retry.kind,
    account: retry.account,
    id: retry.id.toString(),
    attempt: retry.attempt,
    first_at: retry.firstAt.toISOString(),
    data: JSON.parse(JSON.stringify(retry.data)),
  }));
  const inserted = await sql<{ retry: bigint }[]>`
    insert into retries (due_at, host, kind, account, id, attempt, first_at, data)
    select due_at, host, kind, account, id, attempt, first_at, data
    from jsonb_to_recordset(${sql.json(rows)}) as row (
      due_at timestamptz, host text, kind text, account int, id bigint, attempt smallint,
      first_at timestamptz, data jsonb
    )
    returning retry
  `;
  return inserted.map((row) => row.retry);
}

/** Has the webhook of an inbound message called once more, now, whatever became of the first. */
export async function insertReplay(
  sql: Sql,
  message: { readonly account: number; readonly id: MessageId; readonly host: string },
  at: Date,
): Promise<void> {
  await sql`
    insert into retries (due_at, host, kind, account, id, attempt, first_at, data)
    select ${at}, ${message.host}, 'replay', ${message.account}, ${message.id}::bigint, 0, ${at},
      jsonb_strip_nulls(jsonb_build_object('keyword', (
        select data ->> 'keyword'
        from events
        where id = ${message.id} and kind = 'received'
        limit 1
      )))
  `;
}

/**
 * Takes webhooks that are due, oldest first. Until `hiddenUntil` no other process takes them: if
 * this one dies, they come again.
 */
export async function takeDueRetries(
  sql: Sql,
  options: { now: Date; hiddenUntil: Date; exceptHosts: readonly string[]; limit: number },
): Promise<Retry[]> {
  return await sql<Retry[]>`
    update retries
    set due_at = ${options.hiddenUntil}
    where retry in (
      select retry
      from retries
      where due_at <= ${options.now} and host <> all(${options.exceptHosts as string[]}::text[])
      order by due_at
      limit ${options.limit}
      for update skip locked
    )
    returning retry, due_at as "dueAt", host, kind, account, id, attempt,
      first_at as "firstAt", data
  `;
}

/** Keeps the first id of a webhook's replies in its row, unless one is there; gives the one kept. */
export async function reserveReplies(
  sql: Sql,
  retry: bigint,
  firstId: MessageId,
): Promise<MessageId | undefined> {
  const [row] = await sql<{ firstId: MessageId }[]>`
    update retries
    set data = jsonb_build_object('replies', ${String(firstId)}::text) || data
    where retry = ${retry}
    returning (data ->> 'replies')::bigint as "firstId"
  `;
  return row?.firstId;
}

/** What becomes of a retry: due again, or nothing more when it has no `dueAt`. */
export type NextTry = {
  readonly retry: bigint;
  /** Attempts made so far. */
  readonly attempt: number;
  readonly dueAt: Date | undefined;
};

export async function settleRetries(sql: Sql, rows: readonly NextTry[]): Promise<void> {
  await sql`
    with item as materialized (
      select *
      from unnest(
        ${rows.map(({ retry }) => String(retry))}::bigint[],
        ${rows.map(({ attempt }) => attempt)}::smallint[],
        ${rows.map(({ dueAt }) => dueAt?.toISOString() ?? null)}::text[]::timestamptz[]
      ) as item(retry, attempt, due_at)
    ), ended as (
      delete from retries
      using item
      where retries.retry = any(array[item.retry]) and item.due_at is null
    )
    update retries
    set due_at = item.due_at, attempt = item.attempt
    from item
    where retries.retry = any(array[item.retry]) and item.due_at is not null
  `;
}
