import type { InboundPart } from "../connectors/connector.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { createdAt, dayOf, type MessageId, shardOf } from "../lib/message-id.ts";

/** Keeps one part of a long text; gives the whole text once all parts are here. */
export async function joinPart(
  sql: Sql,
  carrierAccount: string,
  part: InboundPart,
  at: Date,
): Promise<string | undefined> {
  const { sender, recipient, reference, total } = part;
  await sql`
    insert into inbound_parts (carrier_account, sender, recipient, reference, total, part, body, received_at)
    values (${carrierAccount}, ${sender}, ${recipient}, ${reference}, ${total}, ${part.part}, ${part.text}, ${at})
    on conflict do nothing
  `;
  const rows = await sql<{ body: string }[]>`
    select body
    from inbound_parts
    where carrier_account = ${carrierAccount} and sender = ${sender} and recipient = ${recipient}
      and reference = ${reference} and total = ${total}
    order by part
    limit ${total}
  `;
  return rows.length === total ? rows.map((row) => row.body).join("") : undefined;
}

export async function forgetParts(sql: Sql, carrierAccount: string, part: InboundPart) {
  await sql`
    delete from inbound_parts
    where carrier_account = ${carrierAccount} and sender = ${part.sender}
      and recipient = ${part.recipient} and reference = ${part.reference} and total = ${part.total}
  `;
}

export type InboundRow = {
  readonly id: MessageId;
  readonly account: number;
  readonly sender: string;
  readonly recipient: string;
  readonly body: string;
  readonly encoding: "GSM-7" | "UCS-2";
  readonly segments: number;
  readonly isSimulated: boolean;
  /** The host of the webhook that is to hear of it; nothing when there is none. */
  readonly webhookHost: string | undefined;
  readonly keyword: "STOP" | "START" | "HELP" | undefined;
};

/** Stores a text from a phone, its event and the job of its webhook. Part of a transaction. */
export async function storeInbound(sql: Sql, row: InboundRow, stamp: Stamp): Promise<void> {
  const [shard, id, day] = [shardOf(row.id), String(row.id), dayOf(row.id)];
  const at = createdAt(row.id);
  await sql`
    insert into messages (
      shard, id, day, account, direction, sender, recipient, body, encoding, segments, priority,
      is_simulated
    )
    values (
      ${shard}, ${id}::bigint, ${day}::date, ${row.account}, 'inbound', ${row.sender},
      ${row.recipient}, ${row.body}, ${row.encoding}, ${row.segments}, 0, ${row.isSimulated}
    )
  `;
  await sql`
    insert into outcomes (shard, id, day, status, sent_at, updated_at)
    values (${shard}, ${id}::bigint, ${day}::date, 'received', ${at}, ${at})
  `;
  const data = {
    from: row.sender,
    to: row.recipient,
    ...(row.keyword && { keyword: row.keyword }),
  };
  await sql`
    insert into events (writer, seq, day, at, kind, account, id, data)
    values (${String(stamp.writer)}::bigint, ${String(stamp.firstSeq)}::bigint, current_date, now(),
      'received', ${row.account}, ${id}::bigint, ${sql.json(data)})
  `;
  if (row.webhookHost === undefined) return;
  await sql`
    insert into retries (due_at, host, kind, account, id, attempt, first_at, data)
    values (now(), ${row.webhookHost}, 'inbound', ${row.account}, ${id}::bigint, 0, now(),
      ${sql.json(row.keyword === undefined ? {} : { keyword: row.keyword })})
  `;
}
