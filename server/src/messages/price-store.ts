import type { Sql } from "../db/sql.ts";
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

/** Writes carriers' prices to their messages, in place of what a price list said. */
export async function recordPrices(
  sql: Sql,
  prices: readonly CarrierPrice[],
  now: Date,
): Promise<void> {
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
  if (found.length === 0) return;
  await sql`
    update outcomes
    set price_micros = item.micros
    from unnest(
      ${found.map(({ id }) => shardOf(id))}::smallint[],
      ${found.map(({ id }) => String(id))}::bigint[],
      ${found.map(({ id }) => dayOf(id))}::text[]::date[],
      ${found.map(({ micros }) => String(micros))}::bigint[]
    ) as item(shard, id, day, micros)
    where outcomes.shard = any(array[item.shard]) and outcomes.id = any(array[item.id])
      and outcomes.day = any(array[item.day])
  `;
}
