import type { Receipt, ReceiptStatus } from "../connectors/connector.ts";
import { arrayOf } from "../db/array-literal.ts";
import { instantColumn } from "../db/instant-column.ts";
import { partitionOf } from "../db/partitions.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { DAY, utcDay } from "../lib/clock.ts";
import { dayOf, firstIdAt, type MessageId, shardOf } from "../lib/message-id.ts";

export type ReceiptRow = {
  readonly carrierAccount: string;
  readonly carrierKey: string;
  readonly receipt: Receipt;
  readonly receivedAt: Date;
  /** Its submission is most likely being recorded: the older days are not searched. */
  readonly isYoung?: boolean;
};

export type ReceiptMatch = {
  readonly place: number;
  readonly id: MessageId;
  readonly parts: number;
};

/** Days that are looked into at once, and then for what was not found; most come within minutes. */
const RECENT_DAYS = 2;
/** A later receipt is given up: carriers use their ids again. */
const DAYS_MAX = 8;

/**
 * Most receipts by far are of messages of today, and of one part: in one statement, each is written to
 * today's submission and ends its message. What is not found, and not settled, is left to the others.
 */
export async function settleToday(
  sql: Sql,
  rows: readonly ReceiptRow[],
  { now, stamp }: { readonly now: Date; readonly stamp: Stamp },
): Promise<(ReceiptMatch & { readonly isSettled: boolean })[]> {
  const today = utcDay(now);
  const [first, next] = [today, utcDay(new Date(now.getTime() + DAY))].map((day) =>
    String(firstIdAt(new Date(day))),
  );
  return sql<(ReceiptMatch & { isSettled: boolean })[]>`
    with item as materialized (
      ${receiptColumns(sql, rows)}
    ), marked as (
      update ${partitionOf(sql, "submissions", today)} as submissions
      set ${firstReceipt(sql)}
      from item
      where submissions.carrier_account = any(array[item.carrier_account])
        and submissions.carrier_key = any(array[item.carrier_key])
      returning item.*, submissions.shard, submissions.id, submissions.parts,
        submissions.parts = 1 and submissions.id >= ${first ?? ""}::bigint
          and submissions.id < ${next ?? ""}::bigint as is_settled
    ), settled as (
      update ${partitionOf(sql, "outcomes", today)} as outcomes
      set status = case marked.status when 'delivered' then 'delivered' else 'undelivered' end,
        error_code = marked.error_code, updated_at = now()
      from marked
      where outcomes.shard = any(array[marked.shard]) and outcomes.id = any(array[marked.id])
        and marked.is_settled and marked.status <> 'sent'
        and outcomes.status in ('sending', 'sent')
      returning outcomes.shard, outcomes.id, outcomes.day, outcomes.status, outcomes.error_code,
        marked.done_date
    ), logged as (
      ${logEnds(sql, stamp, partitionOf(sql, "messages", today))}
    )
    select place, id, parts, is_settled as "isSettled"
    from marked
    limit 1000
  `;
}

/** Writes each receipt to its submission; those without one are missing from the answer. */
export async function markReceipts(sql: Sql, rows: readonly ReceiptRow[], now: Date) {
  const found = await mark(sql, rows, daysBefore(now, 0, RECENT_DAYS));
  const known = new Set(found.map((match) => match.place));
  const missing = rows
    .map((row, index) => ({ row, place: index + 1 }))
    .filter(({ row, place }) => row.isYoung !== true && !known.has(place));
  if (missing.length === 0) return found;
  const older = await mark(
    sql,
    missing.map(({ row }) => row),
    daysBefore(now, RECENT_DAYS, DAYS_MAX),
  );
  return [
    ...found,
    ...older.map((match) => ({ ...match, place: missing[match.place - 1]?.place ?? 0 })),
  ];
}

function daysBefore(now: Date, from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) =>
    utcDay(new Date(now.getTime() - (from + index) * DAY)),
  );
}

async function mark(
  sql: Sql,
  rows: readonly ReceiptRow[],
  days: readonly string[],
): Promise<ReceiptMatch[]> {
  return sql<ReceiptMatch[]>`
    with item as materialized (
      select *
      from (${receiptColumns(sql, rows)}) as told,
        unnest(${days as string[]}::text[]::date[]) as probed(day)
    )
    update submissions
    set ${firstReceipt(sql)}
    from item
    where submissions.day = any(array[item.day])
      and submissions.carrier_account = any(array[item.carrier_account])
      and submissions.carrier_key = any(array[item.carrier_key])
    returning item.place, submissions.id, submissions.parts
  `;
}

function receiptColumns(sql: Sql, rows: readonly ReceiptRow[]) {
  return sql`
      select unnest(${arrayOf(rows, (row) => row.carrierAccount)}::text[]) as carrier_account,
        unnest(${arrayOf(rows, (row) => row.carrierKey)}::text[]) as carrier_key,
        unnest(${arrayOf(rows, (row) => row.receipt.status)}::text[]) as status,
        unnest(${arrayOf(rows, (row) => row.receipt.carrierCode)}::text[]) as code,
        unnest(${arrayOf(rows, (row) => row.receipt.errorCode)}::int[]) as error_code,
        unnest(${arrayOf(rows, (row) => row.receipt.doneDate)}::text[]) as done_date,
        ${instantColumn(sql, rows, (row) => row.receivedAt)} as at,
        generate_series(1, ${rows.length}::int) as place
  `;
}

/** What a submission keeps of its receipts: the first, and the first that is final. */
function firstReceipt(sql: Sql) {
  return sql`
        receipt_status = case
          when submissions.receipt_status in ('delivered', 'undelivered', 'failed')
          then submissions.receipt_status else item.status end,
        receipt_code = coalesce(submissions.receipt_code, item.code),
        receipt_at = coalesce(submissions.receipt_at, item.at)
  `;
}

/** The worst receipt of a long message's parts, once it decides: all delivered, or one not. */
export async function decideParts(sql: Sql, ids: readonly MessageId[]) {
  return sql<{ id: bigint; status: ReceiptStatus }[]>`
    select submissions.id,
      case when bool_or(receipt_status in ('undelivered', 'failed')) then 'undelivered'
           else 'delivered' end as status
    from unnest(${arrayOf(ids, shardOf)}::smallint[], ${arrayOf(ids, (one) => one)}::bigint[]) as item(shard, id)
    join submissions on submissions.shard = any(array[item.shard])
      and submissions.id = any(array[item.id])
    group by submissions.id
    having bool_or(receipt_status in ('undelivered', 'failed'))
      or count(distinct part) filter (where receipt_status = 'delivered') = max(parts)
    limit 1000
  `;
}

export type Settlement = {
  readonly id: MessageId;
  readonly status: "delivered" | "undelivered" | "failed";
  readonly errorCode: number | undefined;
  readonly doneDate: string | undefined;
};

/** Messages that left so long ago and still wait for their receipt. */
export async function findUnreceipted(
  sql: Sql,
  sentBefore: Date,
  limit: number,
): Promise<MessageId[]> {
  // By the day of accept, so that old partitions are left alone: a text waits some days at most.
  const rows = await sql<{ id: bigint }[]>`
    select id
    from outcomes
    where day = any(${daysBefore(sentBefore, 0, DAYS_MAX)}::text[]::date[])
      and status = 'sent' and sent_at < ${sentBefore}
    limit ${limit}
  `;
  return rows.map((row) => row.id);
}

/** Moves sent messages to their end. A final status never changes. */
export async function settleMessages(
  sql: Sql,
  settlements: readonly Settlement[],
  stamp: Stamp,
): Promise<void> {
  await sql`
    with item as materialized (
      select *
      from unnest(
        ${arrayOf(settlements, ({ id }) => shardOf(id))}::smallint[],
        ${arrayOf(settlements, ({ id }) => id)}::bigint[],
        ${arrayOf(settlements, ({ id }) => dayOf(id))}::date[],
        ${arrayOf(settlements, ({ status }) => status)}::text[],
        ${arrayOf(settlements, ({ errorCode }) => errorCode)}::int[],
        ${arrayOf(settlements, ({ doneDate }) => doneDate)}::text[]
      ) as item(shard, id, day, status, error_code, done_date)
    ), settled as (
      update outcomes
      set status = item.status, error_code = item.error_code, updated_at = now()
      from item
      where outcomes.shard = any(array[item.shard]) and outcomes.id = any(array[item.id])
        and outcomes.day = any(array[item.day])
        and outcomes.status in ('sending', 'sent')
      returning item.*
    )
    ${logEnds(sql, stamp, sql("messages"))}
  `;
}

/** The events of what `settled` tells. */
function logEnds(sql: Sql, stamp: Stamp, messages: ReturnType<typeof partitionOf>) {
  return sql`
      insert into events (writer, seq, day, at, kind, account, id, data)
      select ${String(stamp.writer)}::bigint,
        ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
        current_date, now(), settled.status, messages.account, settled.id,
        jsonb_strip_nulls(jsonb_build_object(
          'from', messages.sender, 'to', messages.recipient, 'callback', messages.status_callback,
          'errorCode', settled.error_code, 'rawDlrDoneDate', settled.done_date,
          'service', messages.options ->> 'service',
          'sim', case when messages.is_simulated then true end))
      from settled
      join ${messages} as messages on messages.shard = any(array[settled.shard])
        and messages.id = any(array[settled.id]) and messages.day = any(array[settled.day])
  `;
}

/** Keeps receipts that came before the answer to their submission. */
export async function parkReceipts(
  sql: Sql,
  rows: readonly ReceiptRow[],
  dueAt: Date,
): Promise<void> {
  await sql`
    insert into parked_receipts (carrier_account, carrier_key, due_at, tries, received_at, receipt)
    select carrier_account, carrier_key, ${dueAt}, 0, received_at, receipt
    from unnest(
      ${arrayOf(rows, (row) => row.carrierAccount)}::text[], ${arrayOf(rows, (row) => row.carrierKey)}::text[],
      ${arrayOf(rows, (row) => row.receivedAt.toISOString())}::timestamptz[],
      ${arrayOf(rows, (row) => JSON.stringify(row.receipt))}::jsonb[]
    ) as item(carrier_account, carrier_key, received_at, receipt)
  `;
}

export type ParkedRow = ReceiptRow & { readonly parked: bigint; readonly tries: number };

/** Receipts whose next try is due; the caller settles them. */
export async function readParked(sql: Sql, now: Date, limit: number): Promise<ParkedRow[]> {
  return sql<ParkedRow[]>`
    select parked, carrier_account as "carrierAccount", carrier_key as "carrierKey", tries,
      received_at as "receivedAt", receipt
    from parked_receipts
    where due_at <= ${now}
    order by due_at
    limit ${limit}
  `;
}

/** A parked receipt that was tried: due again, or gone when it has no `dueAt`. */
export type ParkedNext = {
  readonly parked: bigint;
  readonly tries: number;
  readonly dueAt: Date | undefined;
};

export async function settleParked(sql: Sql, rows: readonly ParkedNext[]): Promise<void> {
  await sql`
    with item as materialized (
      select *
      from unnest(
        ${arrayOf(rows, ({ parked }) => parked)}::bigint[],
        ${arrayOf(rows, ({ tries }) => tries)}::smallint[],
        ${arrayOf(rows, ({ dueAt }) => dueAt?.toISOString())}::timestamptz[]
      ) as item(parked, tries, due_at)
    ), gone as (
      delete from parked_receipts
      using item
      where parked_receipts.parked = any(array[item.parked]) and item.due_at is null
    )
    update parked_receipts
    set due_at = item.due_at, tries = item.tries
    from item
    where parked_receipts.parked = any(array[item.parked]) and item.due_at is not null
  `;
}
