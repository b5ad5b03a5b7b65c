import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import { DAY, utcDay } from "../lib/clock.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";

/** What a carrier took for a submission, known by its own id. */
export type CarrierPrice = {
  readonly carrierAccount: string;
  readonly carrierKey: string;
  readonly micros: bigint;
};

/** Prices come with the last receipt or soon after. */
const DAYS_MAX = 8;

/** The messages that the prices are of; the last one of a message counts. */
export async function findPriced(
  sql: Sql,
  prices: readonly CarrierPrice[],
  now: Date,
): Promise<ReadonlyMap<MessageId, bigint>> {
  const days = Array.from({ length: DAYS_MAX }, (_, back) =>
    utcDay(new Date(now.getTime() - back * DAY)),
  );
  const found = await sql<{ id: MessageId; micros: bigint }[]>`
    with item as materialized (
      select *
      from unnest(
        ${prices.map((price) => price.carrierAccount)}::text[],
        ${prices.map((price) => price.carrierKey)}::text[],
        ${prices.map((price) => String(price.micros))}::bigint[]
      ) as item(carrier_account, carrier_key, micros),
        unnest(${days}::text[]::date[]) as probed(day)
    )
    select submissions.id, item.micros
    from item
    join submissions on submissions.day = any(array[item.day])
      and submissions.carrier_account = any(array[item.carrier_account])
      and submissions.carrier_key = any(array[item.carrier_key])
    limit 10000
  `;
  return new Map(found.map(({ id, micros }) => [id, micros]));
}

/**
 * Writes carriers' prices to their messages, in place of what a price list said. The event tells the
 * difference, so that what sums prices stays right; a price told again changes nothing.
 */
export async function recordPrices(
  sql: Sql,
  priced: ReadonlyMap<MessageId, bigint>,
  stamp: Stamp,
): Promise<void> {
  const [ids, micros] = [[...priced.keys()], [...priced.values()]];
  await sql`
    with before as materialized (
      select outcomes.shard, outcomes.id, outcomes.day, outcomes.sent_at, outcomes.price_micros,
        item.micros
      from unnest(
        ${ids.map(shardOf)}::smallint[],
        ${ids.map(String)}::bigint[],
        ${ids.map(dayOf)}::text[]::date[],
        ${micros.map(String)}::bigint[]
      ) as item(shard, id, day, micros)
      join outcomes on outcomes.shard = any(array[item.shard])
        and outcomes.id = any(array[item.id]) and outcomes.day = any(array[item.day])
      where outcomes.price_micros is distinct from item.micros
      for update of outcomes
    ), changed as (
      update outcomes
      set price_micros = before.micros
      from before
      where outcomes.shard = any(array[before.shard]) and outcomes.id = any(array[before.id])
        and outcomes.day = any(array[before.day])
    )
    insert into events (writer, seq, day, at, kind, account, id, data)
    select ${String(stamp.writer)}::bigint,
      ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
      current_date, now(), 'priced', account, messages.id, jsonb_strip_nulls(jsonb_build_object(
        'from', sender, 'priceMicros', before.micros - coalesce(price_micros, 0),
        'sentOn', (sent_at at time zone 'UTC')::date))
    from before
    join messages on messages.shard = any(array[before.shard])
      and messages.id = any(array[before.id]) and messages.day = any(array[before.day])
  `;
}
