import { arrayOf } from "../db/array-literal.ts";
import { isAlreadyThere } from "../db/database-errors.ts";
import { instantColumn } from "../db/instant-column.ts";
import { dayOfId, shardOfId } from "../db/message-key.ts";
import type { Sql } from "../db/sql.ts";
import type { Stamp } from "../events/log.ts";
import type { Claim, ClaimedMessage } from "./claim-store.ts";
import { insertSubmissions, type SubmissionRecord } from "./submission-store.ts";

/** What a message costs that has left, in millionths; nothing when no price list says. */
export type PriceOf = (departure: Departure) => number | undefined;

/** What became of a claimed message, with the answers to its parts. */
export type Departure = {
  readonly claim: Claim;
  readonly message: ClaimedMessage;
  readonly status: "sent" | "failed";
  readonly errorCode: number | undefined;
  readonly sentAt: Date;
  readonly submissions: readonly SubmissionRecord[];
  /** Milliseconds from accept to claim, and from claim to the first byte. */
  readonly waits: { readonly queueMs: number; readonly paceMs: number };
};

type Recording = { readonly stamp: Stamp; readonly priceOf: PriceOf };

/**
 * Records facts, whoever owns the shard by now; twice is the same as once. Most are new, which an
 * outcome's key tells: only when one is there already does PostgreSQL look for each.
 */
export async function recordDepartures(
  sql: Sql,
  departures: readonly Departure[],
  recording: Recording,
): Promise<void> {
  try {
    await insertDepartures(sql, departures, { ...recording, areNew: true });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
    await insertDepartures(sql, departures, { ...recording, areNew: false });
  }
}

async function insertDepartures(
  sql: Sql,
  departures: readonly Departure[],
  { stamp, priceOf, areNew }: Recording & { readonly areNew: boolean },
): Promise<void> {
  const parts = departures.flatMap((departure) => departure.submissions);
  // Of a message without an outcome, later attempts may be known from when it was put off.
  const areFirst = parts.every(({ attempt }) => attempt === 1);
  await sql`
    with submitted as (
      ${insertSubmissions(sql, parts, { areNew: areNew && areFirst })}
    ), item as materialized (
      select *, ${shardOfId(sql)} as shard, ${dayOfId(sql)} as day
      from (${departureColumns(sql, departures, priceOf)}) as told
    ), unclaimed as (
      delete from claims
      using item
      where claims.shard = any(array[item.shard]) and claims.id = any(array[item.id])
    ), fresh as materialized (
      select item.*
      from item
      ${areNew ? sql`` : unlessSettled(sql)}
    ), settled as (
      insert into outcomes (
        shard, id, day, status, error_code, connector, price_micros, sent_at, updated_at
      )
      select shard, id, day, status, error_code, connector, price_micros,
        case when status = 'sent' then sent_at end, now()
      from fresh
      ${areNew ? sql`` : sql`on conflict do nothing`}
    )
    insert into events (writer, seq, day, at, kind, account, id, data)
    select ${String(stamp.writer)}::bigint,
      ${String(stamp.firstSeq)}::bigint + row_number() over () - 1,
      current_date, now(), status, account, id, data
    from fresh
  `;
}

function unlessSettled(sql: Sql) {
  return sql`
      where not exists (
        select from outcomes
        where shard = item.shard and id = item.id and day = item.day
        offset 0
      )
  `;
}

function departureColumns(sql: Sql, departures: readonly Departure[], priceOf: PriceOf) {
  const prices = departures.map(priceOf);
  const events = departures.map((one, place) => departureEvent(one, prices[place]));
  return sql`
        select unnest(${arrayOf(departures, ({ claim }) => claim.id)}::bigint[]) as id,
          unnest(${arrayOf(departures, ({ message }) => message.account)}::int[]) as account,
          unnest(${arrayOf(departures, ({ status }) => status)}::text[]) as status,
          unnest(${arrayOf(departures, ({ errorCode }) => errorCode)}::int[]) as error_code,
          unnest(${arrayOf(departures, ({ claim }) => claim.connector)}::text[]) as connector,
          ${instantColumn(sql, departures, ({ sentAt }) => sentAt)} as sent_at,
          unnest(${arrayOf(prices, (price) => price)}::bigint[]) as price_micros,
          jsonb_array_elements(${JSON.stringify(events)}::text::jsonb) as data
  `;
}

/** What is undefined is not in the event. */
function departureEvent(
  { claim, message, status, errorCode, waits, submissions }: Departure,
  priceMicros: number | undefined,
) {
  return {
    from: message.sender,
    to: message.recipient,
    segments: status === "sent" ? claim.segments : submissions.length,
    waits,
    priceMicros,
    callback: message.statusCallback ?? undefined,
    errorCode,
    sim: message.isSimulated || undefined,
    service: message.options?.service,
  };
}
