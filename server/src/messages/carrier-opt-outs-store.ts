import type { Sql } from "../db/sql.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";

/** Codes by which a carrier says that the recipient has opted out there. */
export const carrierOptOutCodes: ReadonlySet<number | undefined> = new Set([21610, 30630]);

/** What a carrier knows as opted out is opted out here, of the pool that the message was of. */
export async function insertCarrierOptOuts(
  sql: Sql,
  ids: readonly MessageId[],
  at: Date,
): Promise<void> {
  if (ids.length === 0) return;
  await sql`
    insert into opt_outs (account, pool, recipient, source, opted_out_at)
    select distinct messages.account, lanes.pool, messages.recipient, 'carrier', ${at}::timestamptz
    from unnest(
      ${ids.map(shardOf)}::smallint[], ${ids.map(String)}::bigint[],
      ${ids.map(dayOf)}::text[]::date[]
    ) as item(shard, id, day)
    join messages on messages.shard = any(array[item.shard]) and messages.id = any(array[item.id])
      and messages.day = any(array[item.day])
    join lanes on lanes.shard = any(array[messages.shard]) and lanes.lane = any(array[messages.lane])
    on conflict do nothing
  `;
}
