import type { Sql } from "../db/sql.ts";
import type { MessageId } from "../lib/message-id.ts";

/** What stands where a number was. */
export const ERASED = "erased";

type Of = { readonly account: number; readonly phone: string };

/**
 * Takes body and number out of a phone's next messages, and the number out of what the event log and
 * waiting webhooks say about them. A message that is on its way needs both still: it is only counted.
 */
export async function eraseMessages(
  sql: Sql,
  of: Of & { readonly before: MessageId | undefined; readonly limit: number },
): Promise<{ seen: readonly MessageId[]; erased: number }> {
  const before = of.before === undefined ? sql`` : sql`and id < ${String(of.before)}::bigint`;
  const side = (column: "recipient" | "sender") => sql`(
    select shard, id, day
    from messages
    where account = ${of.account} and ${sql(column)} = ${of.phone} ${before}
    order by id desc
    limit ${of.limit}
  )`;
  const rows = await sql<{ id: MessageId; isErased: boolean }[]>`
    with found as materialized (
      select shard, id, day
      from (${side("recipient")} union all ${side("sender")}) as both_sides
      order by id desc
      limit ${of.limit}
    ), finished as materialized (
      select found.*
      from found
      join outcomes on outcomes.shard = any(array[found.shard])
        and outcomes.id = any(array[found.id]) and outcomes.day = any(array[found.day])
      where outcomes.status not in ('sending', 'receiving')
    ), redacted as (
      update messages
      set body = '', options = null,
        sender = case when sender = ${of.phone} then ${ERASED} else sender end,
        recipient = case when recipient = ${of.phone} then ${ERASED} else recipient end
      from finished
      where messages.shard = any(array[finished.shard]) and messages.id = any(array[finished.id])
        and messages.day = any(array[finished.day])
      returning messages.id
    ), logged as (
      update events
      set data = replace(data::text, ${of.phone}, ${ERASED})::jsonb
      from finished
      where events.id = any(array[finished.id])
    )
    select found.id, redacted.id is not null as "isErased"
    from found
    left join redacted on redacted.id = found.id
    order by found.id desc
    limit ${of.limit}
  `;
  const erased = rows.filter(({ isErased }) => isErased).length;
  return { seen: rows.map(({ id }) => id), erased };
}

/**
 * The number in what is kept for a short while: webhooks under way, answers, parts of long
 * texts; and which sender of a service the phone knows.
 */
export async function erasePassing(sql: Sql, { account, phone }: Of): Promise<void> {
  const like = `%${phone}%`;
  await sql`
    update retries
    set data = replace(data::text, ${phone}, ${ERASED})::jsonb
    where account = ${account} and data::text like ${like}
  `;
  await sql`
    delete from idempotency_keys
    where account = ${account} and response_body like ${like}
  `;
  await sql`
    delete from sticky_senders
    where account = ${account} and recipient = ${phone}
  `;
  await sql`
    delete from inbound_parts
    using inventory
    where inbound_parts.sender = ${phone} and inventory.number = inbound_parts.recipient
      and inventory.account = ${account}
  `;
}
