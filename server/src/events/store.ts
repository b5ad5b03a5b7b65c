import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";

/** A new writer: a number that nobody had before. */
export async function insertWriter(sql: Sql, owner: string): Promise<bigint> {
  const [row] = await sql<{ writer: bigint }[]>`
    insert into writers (owner)
    values (${owner})
    returning writer
  `;
  if (row === undefined) throw new Error("PostgreSQL returned no writer.");
  return row.writer;
}

/** After this no event of these writers can follow: readers may forget them once read to the end. */
export async function closeWriters(sql: Sql, writers: readonly bigint[]): Promise<void> {
  await sql`
    update writers
    set is_closed = true
    where writer = any(${arrayOf(writers, (one) => one)}::bigint[])
  `;
}

/**
 * Closes writers whose last batch failed before `agoMs`, if that can be committed no more: every
 * transaction that began before it failed has ended. Tells which were closed.
 */
export async function closeFailedWriters(
  sql: Sql,
  writers: readonly bigint[],
  agoMs: number,
): Promise<bigint[]> {
  const rows = await sql<{ writer: bigint }[]>`
    update writers
    set is_closed = true
    where writer = any(${arrayOf(writers, (one) => one)}::bigint[])
      and not exists (
        select from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend'
          and pid <> pg_backend_pid()
          and xact_start < clock_timestamp() - ${agoMs} * interval '1 millisecond'
      )
    returning writer
  `;
  return rows.map((row) => row.writer);
}

/** An event as readers see it. */
export type LogEvent = {
  readonly writer: bigint;
  readonly seq: bigint;
  readonly day: string;
  readonly kind: string;
  readonly account: number;
  readonly id: bigint;
  readonly data: Readonly<Record<string, unknown>>;
};

/** How far a reader got in one writer's events. */
export type Position = { readonly writer: bigint; readonly seq: bigint; readonly day: string };

/**
 * Part of a statement: events beyond the reader's cursors, each writer's in their order, beginning
 * with the writers after `afterWriter` so that a busy one starves nobody.
 */
export function unreadEvents(
  sql: Sql,
  reader: string,
  options: { afterWriter: bigint; limit: number },
) {
  // The two days of slack allow for clocks that step back over midnight; the bounds prune partitions.
  return sql`
    select e.writer, e.seq, e.day, e.at, e.kind, e.account, e.id, e.data
    from (
      select w.writer, coalesce(c.seq, 0) as seq,
        coalesce(c.day, w.opened_at::date) - 2 as first_day
      from writers w
      left join cursors c on c.reader = ${reader} and c.writer = w.writer
      where c.is_done is not true
      order by w.writer <= ${options.afterWriter}, w.writer
    ) w
    cross join lateral (
      select writer, seq, day, at, kind, account, id, data
      from events
      where writer = w.writer and seq > w.seq
        and day >= w.first_day and day <= current_date + 1
      order by seq
      limit ${options.limit}
    ) e
    limit ${options.limit}
  `;
}

/** A part of a statement that reads events as `unread` and is done with them: one transaction. */
export function advanceCursors(sql: Sql, reader: string) {
  return sql`
    insert into cursors (reader, writer, seq, day)
    select ${reader}, writer, max(seq), max(day)
    from unread
    group by writer
    on conflict (reader, writer) do update
    set seq = greatest(cursors.seq, excluded.seq), day = greatest(cursors.day, excluded.day)
  `;
}

/** Closed writers without an event beyond the reader's cursor are not looked at any more. */
export async function finishClosedWriters(sql: Sql, reader: string): Promise<void> {
  await sql`
    insert into cursors (reader, writer, seq, day, is_done)
    select ${reader}, w.writer, coalesce(c.seq, 0), coalesce(c.day, w.opened_at::date), true
    from writers w
    left join cursors c on c.reader = ${reader} and c.writer = w.writer
    where w.is_closed and c.is_done is not true
      and not exists (
        select from events e
        where e.writer = w.writer and e.seq > coalesce(c.seq, 0)
          and e.day >= coalesce(c.day, w.opened_at::date) - 2
      )
    on conflict (reader, writer) do update
    set is_done = true
  `;
}

/**
 * Closes the writers of processes that crashed: for an hour nobody saw their owner's slot lease.
 * The hour lets a process that was frozen end the batch it had begun.
 */
export async function closeLostWriters(sql: Sql): Promise<void> {
  await sql`
    with live as (
      update writers
      set seen_at = now()
      where not is_closed
        and owner in (select owner from leases where kind = 'slot' and expires_at >= now())
      returning writer
    )
    update writers
    set is_closed = true
    where not is_closed and seen_at < now() - interval '1 hour'
      and not exists (select from live where live.writer = writers.writer)
  `;
}

/** Forgets closed writers once retention has dropped their last event: no reader can miss one. */
export async function deleteReadWriters(sql: Sql, retentionDays: number): Promise<void> {
  await sql`
    delete from writers
    where is_closed and seen_at < now() - make_interval(days => ${retentionDays})
      and not exists (select from events where events.writer = writers.writer)
  `;
  // Apart from the writers: a reader may write a last cursor while its writer is deleted.
  await sql`
    delete from cursors
    where not exists (select from writers where writers.writer = cursors.writer)
  `;
}
