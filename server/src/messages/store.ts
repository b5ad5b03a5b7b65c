import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { DAY } from "../lib/clock.ts";
import {
  createdAt,
  dayOf,
  firstIdAt,
  idAfter,
  type MessageId,
  placeAfter,
  SEQUENCE_COUNT,
  SLOT_BITS,
  shardOf,
} from "../lib/message-id.ts";
import type { MediaList } from "./media.ts";
import type { Direction, Message, MessageStatus } from "./message.ts";

type Row = {
  id: bigint;
  account: number;
  direction: Direction;
  sender: string;
  recipient: string;
  body: string;
  segments: number;
  status: MessageStatus;
  errorCode: number | null;
  priceMicros: bigint | null;
  sentAt: Date | null;
  updatedAt: Date | null;
  isSimulated: boolean;
  service: string | null;
  media: MediaList | null;
};

/** How long before it was sent a message may have been created: the longest queue and schedule. */
const SENT_AFTER_CREATED_MS_MAX = 36 * DAY;

export async function findMessage(
  sql: Sql,
  of: { account: number; id: MessageId },
): Promise<Message | undefined> {
  const rows = await sql<Row[]>`
    ${selectMessages(sql)}
    where messages.shard = ${shardOf(of.id)} and messages.id = ${String(of.id)}::bigint
      and messages.day = ${dayOf(of.id)}::date and messages.account = ${of.account}
  `;
  return rows.map(asMessage)[0];
}

/**
 * What is stored of a row of reserved ids, by their places in it. In any shard: the number that a
 * message is from may have joined or left a messaging service since, and its pool with it.
 */
export async function findReserved(
  sql: Sql,
  of: { account: number; first: MessageId; count: number },
): Promise<ReadonlyMap<number, Message>> {
  const last = idAfter(of.first, { index: of.count - 1, shard: 0 });
  const rows = await sql<Row[]>`
    ${selectMessages(sql)}
    where messages.account = ${of.account}
      and messages.day between ${dayOf(of.first)}::date and ${dayOf(last)}::date
      and messages.id >= ${String(firstIdAt(createdAt(of.first)))}::bigint
      and messages.id < ${String(firstIdAt(new Date(createdAt(last).getTime() + 1)))}::bigint
      and messages.id & ${SLOT_BITS} = ${String(of.first & BigInt(SLOT_BITS))}::bigint
    order by messages.id
    limit ${of.count + 2 * SEQUENCE_COUNT}
  `;
  // In the first and the last millisecond there may be others of the same writer.
  return new Map(
    rows
      .map((row) => [placeAfter(of.first, row.id), asMessage(row)] as const)
      .filter(([place]) => place >= 0 && place < of.count),
  );
}

/** An account's messages, newest first, before an id. `sentOn` etc. are bounds of DateSent. */
export async function listMessages(
  sql: Sql,
  of: {
    account: number;
    to?: string;
    from?: string;
    sentFrom?: Date;
    sentBefore?: Date;
    beforeId?: MessageId;
    limit: number;
  },
): Promise<Message[]> {
  const earliest =
    of.sentFrom && firstIdAt(new Date(of.sentFrom.getTime() - SENT_AFTER_CREATED_MS_MAX));
  const rows = await sql<Row[]>`
    ${selectMessages(sql)}
    where messages.account = ${of.account}
      ${of.to === undefined ? sql`` : sql`and messages.recipient = ${of.to}`}
      ${of.from === undefined ? sql`` : sql`and messages.sender = ${of.from}`}
      ${of.beforeId === undefined ? sql`` : sql`and messages.id < ${String(of.beforeId)}::bigint`}
      ${earliest === undefined ? sql`` : sql`and messages.id >= ${String(earliest)}::bigint`}
      ${of.sentFrom === undefined ? sql`` : sql`and outcomes.sent_at >= ${of.sentFrom}`}
      ${of.sentBefore === undefined ? sql`` : sql`and outcomes.sent_at < ${of.sentBefore}`}
    order by messages.id desc
    limit ${of.limit}
  `;
  return rows.map(asMessage);
}

function selectMessages(sql: Sql) {
  return sql`
    select messages.id, messages.account, direction, messages.sender, recipient, body,
      messages.segments, coalesce(outcomes.status, case
        when claims.id is not null then 'sending'
        when later.why = 'schedule' then 'scheduled'
        when messages.sender = '' then 'accepted'
        else 'queued'
      end) as status,
      outcomes.error_code as "errorCode", outcomes.price_micros as "priceMicros",
      outcomes.sent_at as "sentAt", outcomes.updated_at as "updatedAt",
      is_simulated as "isSimulated", options ->> 'service' as service,
      options -> 'media' as media
    from messages
    left join outcomes on outcomes.shard = messages.shard and outcomes.id = messages.id
      and outcomes.day = messages.day
    left join claims on claims.shard = messages.shard and claims.id = messages.id
    left join later on later.shard = messages.shard and later.id = messages.id
  `;
}

function asMessage(row: Row): Message {
  const at = createdAt(row.id);
  return {
    ...row,
    errorCode: row.errorCode ?? undefined,
    priceMicros: row.priceMicros ?? undefined,
    service: row.service ?? undefined,
    media: row.media ?? undefined,
    createdAt: at,
    sentAt: row.sentAt ?? undefined,
    updatedAt: row.updatedAt ?? at,
  };
}

/** Takes a message out of the queue, or out of what waits for an instant; false when it has left. */
export async function cancelWaiting(
  sql: Sql,
  message: Pick<Message, "id">,
  stamp: Stamp,
): Promise<boolean> {
  const { id } = message;
  const rows = await sql`
    with queued as (
      delete from queue
      using messages
      where messages.shard = ${shardOf(id)} and messages.id = ${String(id)}::bigint
        and messages.day = ${dayOf(id)}::date
        and queue.shard = messages.shard and queue.lane = messages.lane
        and queue.priority = messages.priority and queue.id = messages.id
      returning queue.shard, queue.lane, queue.id, queue.segments
    ), waiting as (
      delete from later
      where shard = ${shardOf(id)} and id = ${String(id)}::bigint
      returning shard, lane, id, segments
    ), taken as (
      select * from queued union all select * from waiting
    ), counted as (
      update lane_departures
      set departed = departed + taken.segments
      from taken
      where lane_departures.shard = taken.shard and lane_departures.lane = taken.lane
    ), settled as (
      insert into outcomes (shard, id, day, status, updated_at)
      select shard, id, ${dayOf(id)}::date, 'canceled', now()
      from taken
    )
    insert into events (writer, seq, day, at, kind, account, id, data)
    select ${String(stamp.writer)}::bigint, ${String(stamp.firstSeq)}::bigint, current_date, now(),
      'canceled', account, messages.id, jsonb_strip_nulls(jsonb_build_object(
        'from', sender, 'to', recipient, 'callback', status_callback,
        'service', options ->> 'service'))
    from taken
    join messages on messages.shard = taken.shard and messages.id = taken.id
      and messages.day = ${dayOf(id)}::date
    returning id
  `;
  return rows.length === 1;
}

/** Where its media are goes, too. */
export async function clearBody(sql: Sql, id: MessageId): Promise<void> {
  await sql`
    update messages
    set body = '', options = options - 'media'
    where shard = ${shardOf(id)} and id = ${String(id)}::bigint and day = ${dayOf(id)}::date
  `;
}

/** The others keep their places, and so their sids. */
export async function clearMedia(sql: Sql, id: MessageId, place: number): Promise<void> {
  await sql`
    update messages
    set options = jsonb_set(options, array['media', ${String(place)}], 'null', false)
    where shard = ${shardOf(id)} and id = ${String(id)}::bigint and day = ${dayOf(id)}::date
  `;
}

export async function deleteMessageRows(sql: Sql, id: MessageId): Promise<void> {
  const [shard, text, day] = [shardOf(id), String(id), dayOf(id)];
  await sql`
    with outcome as (
      delete from outcomes
      where shard = ${shard} and id = ${text}::bigint and day = ${day}::date
    ), submission as (
      delete from submissions
      where shard = ${shard} and id = ${text}::bigint
    ), word as (
      delete from feedback
      where shard = ${shard} and id = ${text}::bigint
    )
    delete from messages
    where shard = ${shard} and id = ${text}::bigint and day = ${day}::date
  `;
}

export type Feedback = {
  readonly outcome: "confirmed" | "unconfirmed";
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

export async function upsertFeedback(
  sql: Sql,
  of: { account: number; id: MessageId; outcome: Feedback["outcome"]; at: Date },
): Promise<Feedback> {
  const [row] = await sql<Feedback[]>`
    insert into feedback (shard, id, account, outcome, created_at, updated_at)
    values (${shardOf(of.id)}, ${String(of.id)}::bigint, ${of.account}, ${of.outcome}, ${of.at}, ${of.at})
    on conflict (shard, id) do update
    set outcome = excluded.outcome, updated_at = excluded.updated_at
    returning outcome, created_at as "createdAt", updated_at as "updatedAt"
  `;
  if (row === undefined) throw new Error("PostgreSQL returned no feedback.");
  return row;
}
