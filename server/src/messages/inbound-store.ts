import type { InboundPart } from "../connectors/connector.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { createdAt, dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import type { MediaList } from "./media.ts";

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

export type TextOfParts = Pick<InboundPart, "sender" | "recipient" | "reference" | "total">;

export async function forgetParts(sql: Sql, carrierAccount: string, text: TextOfParts) {
  await takeParts(sql, { ...text, carrierAccount });
}

/** Takes the parts that came, in their order. */
export async function takeParts(
  sql: Sql,
  text: TextOfParts & { readonly carrierAccount: string },
): Promise<string[]> {
  const rows = await sql<{ part: number; body: string }[]>`
    delete from inbound_parts
    where carrier_account = ${text.carrierAccount} and sender = ${text.sender}
      and recipient = ${text.recipient} and reference = ${text.reference} and total = ${text.total}
    returning part, body
  `;
  return rows.toSorted((a, b) => a.part - b.part).map((row) => row.body);
}

const SILENT_LISTED_MAX = 1_000;

/** Long texts of which no part came since `before`. */
export async function findSilentTexts(
  sql: Sql,
  before: Date,
): Promise<(TextOfParts & { readonly carrierAccount: string })[]> {
  return await sql<(TextOfParts & { carrierAccount: string })[]>`
    select carrier_account as "carrierAccount", sender, recipient, reference, total
    from inbound_parts
    group by carrier_account, sender, recipient, reference, total
    having max(received_at) < ${before}
    limit ${SILENT_LISTED_MAX}
  `;
}

/** Texts between two addresses are stored one after the other, in all processes. */
export async function lockTexts(sql: Sql, carrierAccount: string, text: TextOfParts) {
  const name = `${carrierAccount} ${text.sender} ${text.recipient}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`;
}

export type KeywordReply = { readonly id: string; readonly body: string };

export type Unanswered = {
  readonly carrierAccount: string;
  readonly sha256: Uint8Array;
  readonly bind: string;
  readonly reply: KeywordReply | undefined;
  readonly receivedAt: Date;
  readonly expiresAt: Date;
};

/**
 * Finds the text that this one repeats: it came on another bind, or on this one before
 * `timedOutBefore`. Each is found once a bind, so that as many are stored as were sent.
 */
export async function takeUnanswered(
  sql: Sql,
  text: Omit<Unanswered, "reply">,
  timedOutBefore: Date,
): Promise<{ readonly unanswered: bigint; readonly reply: KeywordReply | null } | undefined> {
  const [row] = await sql<{ unanswered: bigint; reply: KeywordReply | null }[]>`
    update unanswered_texts
    set bind = ${text.bind}, received_at = ${text.receivedAt}, expires_at = ${text.expiresAt}
    where unanswered = (
      select unanswered
      from unanswered_texts
      where carrier_account = ${text.carrierAccount} and text_sha256 = ${text.sha256}
        and expires_at > ${text.receivedAt}
        and (bind <> ${text.bind} or received_at < ${timedOutBefore})
      order by unanswered
      limit 1
    )
    returning unanswered, reply
  `;
  return row;
}

export async function insertUnanswered(sql: Sql, text: Unanswered): Promise<bigint> {
  const [row] = await sql<{ unanswered: bigint }[]>`
    insert into unanswered_texts
      (carrier_account, text_sha256, bind, reply, received_at, expires_at)
    values (${text.carrierAccount}, ${text.sha256}, ${text.bind},
      ${text.reply === undefined ? null : sql.json(text.reply)}, ${text.receivedAt},
      ${text.expiresAt})
    returning unanswered
  `;
  if (row === undefined) throw new Error("PostgreSQL returned no unanswered text.");
  return row.unanswered;
}

/** It repeats on any bind from now on. */
export async function disownUnanswered(sql: Sql, unanswered: bigint): Promise<void> {
  await sql`
    update unanswered_texts
    set bind = '00000000-0000-0000-0000-000000000000'
    where unanswered = ${unanswered}
  `;
}

export async function deleteUnanswered(sql: Sql, answered: readonly bigint[]): Promise<void> {
  await sql`
    delete from unanswered_texts
    where unanswered = any(${answered.map(String)}::bigint[])
  `;
}

export async function deleteUnansweredBefore(sql: Sql, before: Date): Promise<void> {
  await sql`
    delete from unanswered_texts
    where expires_at < ${before}
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
  /** The messaging service that the number is in. */
  readonly service: string | undefined;
  /** 30009: parts of it never came. */
  readonly errorCode: number | undefined;
  readonly media: MediaList | undefined;
};

function optionsOf(sql: Sql, { service, media }: InboundRow) {
  if (service === undefined && media === undefined) return null;
  return sql.json({ ...(service && { service }), ...(media && { media }) });
}

/** Stores a text from a phone, its event and the job of its webhook. Part of a transaction. */
export async function storeInbound(sql: Sql, row: InboundRow, stamp: Stamp): Promise<void> {
  const [shard, id, day] = [shardOf(row.id), String(row.id), dayOf(row.id)];
  const at = createdAt(row.id);
  await sql`
    insert into messages (
      shard, id, day, account, direction, sender, recipient, body, encoding, segments, priority,
      is_simulated, options
    )
    values (
      ${shard}, ${id}::bigint, ${day}::date, ${row.account}, 'inbound', ${row.sender},
      ${row.recipient}, ${row.body}, ${row.encoding}, ${row.segments}, 0, ${row.isSimulated},
      ${optionsOf(sql, row)}
    )
  `;
  await sql`
    insert into outcomes (shard, id, day, status, error_code, sent_at, updated_at)
    values (${shard}, ${id}::bigint, ${day}::date, 'received', ${row.errorCode ?? null}, ${at}, ${at})
  `;
  const data = {
    from: row.sender,
    to: row.recipient,
    segments: row.segments,
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
