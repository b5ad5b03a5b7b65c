import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { dayOf, shardOf } from "../lib/message-id.ts";
import type { AcceptedRow } from "./accept-store.ts";

/** Stores messages that failed before they had a place in a queue. Twice is the same as once. */
export async function storeFailed(
  sql: Sql,
  { rows, errorCode }: { readonly rows: readonly AcceptedRow[]; readonly errorCode: number },
  stamp: Stamp,
): Promise<void> {
  await sql`
    with item as materialized (
      select *
      from unnest(
        ${rows.map((row) => shardOf(row.id))}::smallint[],
        ${rows.map((row) => String(row.id))}::bigint[],
        ${rows.map((row) => dayOf(row.id))}::text[]::date[],
        ${rows.map((row) => row.account)}::int[],
        ${rows.map((row) => row.lane)}::int[],
        ${rows.map((row) => row.direction)}::text[],
        ${rows.map((row) => row.sender)}::text[],
        ${rows.map((row) => row.recipient)}::text[],
        ${rows.map((row) => row.body)}::text[],
        ${rows.map((row) => row.encoding)}::text[],
        ${rows.map((row) => row.segments)}::smallint[],
        ${rows.map((row) => row.priority)}::smallint[],
        ${rows.map((row) => row.validUntil.toISOString())}::text[]::timestamptz[],
        ${rows.map((row) => row.statusCallback ?? null)}::text[],
        ${rows.map((row) => String(row.isSimulated))}::text[]::boolean[],
        ${rows.map((row) => (row.options ? JSON.stringify(row.options) : null))}::text[]::jsonb[]
      ) as item(
        shard, id, day, account, lane, direction, sender, recipient, body, encoding, segments,
        priority, valid_until, status_callback, is_simulated, options
      )
    ), stored as (
      insert into messages (
        shard, id, day, account, lane, direction, sender, recipient, body, encoding, segments,
        priority, valid_until, status_callback, is_simulated, options
      )
      select *
      from item
      on conflict do nothing
      returning shard, id, day, account, sender, recipient, status_callback, options
    ), settled as (
      insert into outcomes (shard, id, day, status, error_code, updated_at)
      select shard, id, day, 'failed', ${errorCode}, now()
      from stored
      on conflict do nothing
    )
    insert into events (writer, seq, day, at, kind, account, id, data)
    select ${String(stamp.writer)}::bigint,
      ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
      current_date, now(), 'failed', account, id, jsonb_strip_nulls(jsonb_build_object(
        'from', sender, 'to', recipient, 'callback', status_callback, 'errorCode', ${errorCode}::int,
        'service', options ->> 'service'))
    from stored
  `;
}
