import type { Sql } from "../db/sql.ts";
import type { Sid } from "../lib/sid.ts";
import type { InventoryNumber, NewSender, Sender, SenderKind, SenderSettings } from "./sender.ts";

/** Held in memory by every process: some 200 MB. */
const SENDERS_MAX = 200_000;
/** Four hours, as Twilio's guides plan a campaign: at one segment per second 14,400 segments. */
const QUEUE_SECONDS_DEFAULT = 14_400;

type Row = Omit<InventoryNumber, "sid" | "account"> & {
  readonly sid: Sid | null;
  readonly account: number | null;
};

export type FreeNumberFilter = {
  readonly country: string;
  readonly kind: SenderKind;
  /** A pattern of SQL's `like` for the number. */
  readonly like?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
};

/** Every number that somebody holds. */
export async function readSenders(sql: Sql): Promise<Sender[]> {
  return sql<Sender[]>`
    select ${columns(sql)}
    from inventory
    where account is not null
    order by number
    limit ${SENDERS_MAX}
  `;
}

/** Gives a free number to an account in one statement: of two that ask, one gets it. */
export async function claimNumber(
  sql: Sql,
  claim: { readonly account: number; readonly number: string; readonly sid: Sid },
  settings: SenderSettings,
  at: Date,
): Promise<Sender | undefined> {
  const [row] = await sql<Sender[]>`
    update inventory
    set account = ${claim.account}, sid = ${claim.sid}, created_at = ${at}, updated_at = ${at},
      friendly_name = ${settings.friendlyName ?? claim.number},
      sms_url = ${settings.smsUrl ?? ""}, sms_method = ${settings.smsMethod ?? "POST"},
      sms_fallback_url = ${settings.smsFallbackUrl ?? ""},
      sms_fallback_method = ${settings.smsFallbackMethod ?? "POST"}
    where number = ${claim.number}
      and account is null
    returning ${columns(sql)}
  `;
  return row;
}

/** Whether the account held it. */
export async function releaseNumber(
  sql: Sql,
  held: { readonly account: number; readonly sid: Sid },
  at: Date,
): Promise<boolean> {
  const result = await sql`
    update inventory
    set account = null, sid = null, service = null, in_service_since = null, friendly_name = '',
      sms_url = '', sms_method = 'POST', sms_fallback_url = '', sms_fallback_method = 'POST', updated_at = ${at}
    where account = ${held.account}
      and sid = ${held.sid}
  `;
  return result.count > 0;
}

/** Nothing when the account does not hold it any more. */
export async function updateSender(
  sql: Sql,
  held: { readonly account: number; readonly sid: Sid },
  settings: SenderSettings,
  at: Date,
): Promise<Sender | undefined> {
  const [row] = await sql<Sender[]>`
    update inventory
    set friendly_name = coalesce(${settings.friendlyName ?? null}, friendly_name),
      sms_url = coalesce(${settings.smsUrl ?? null}, sms_url),
      sms_method = coalesce(${settings.smsMethod ?? null}, sms_method),
      sms_fallback_url = coalesce(${settings.smsFallbackUrl ?? null}, sms_fallback_url),
      sms_fallback_method = coalesce(${settings.smsFallbackMethod ?? null}, sms_fallback_method),
      updated_at = ${at}
    where account = ${held.account}
      and sid = ${held.sid}
    returning ${columns(sql)}
  `;
  return row;
}

/** Whether somebody holds it still; what is not given stays. */
export async function updateSenderLimits(
  sql: Sql,
  held: { readonly account: number; readonly number: string },
  limits: {
    readonly segmentsPerSecond?: number | undefined;
    readonly maxQueueSeconds?: number | undefined;
  },
  at: Date,
): Promise<boolean> {
  const result = await sql`
    update inventory
    set segments_per_second = coalesce(${limits.segmentsPerSecond ?? null}, segments_per_second),
      max_queue_seconds = coalesce(${limits.maxQueueSeconds ?? null}, max_queue_seconds),
      updated_at = ${at}
    where number = ${held.number}
      and account = ${held.account}
  `;
  return result.count > 0;
}

export async function listFreeNumbers(
  sql: Sql,
  filter: FreeNumberFilter,
): Promise<InventoryNumber[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)}
    from inventory
    where account is null
      and country = ${filter.country}
      and kind = ${filter.kind}
      ${filter.like === undefined ? sql`` : sql`and number like ${filter.like}`}
      ${filter.after === undefined ? sql`` : sql`and number > ${filter.after}`}
    order by number
    limit ${filter.limit}
  `;
  return rows.map(withoutNull);
}

/** The countries that have a free number, with the kinds of these. */
export async function listFreeCountries(
  sql: Sql,
): Promise<{ readonly country: string; readonly kinds: readonly SenderKind[] }[]> {
  return sql<{ country: string; kinds: SenderKind[] }[]>`
    select country, array_agg(distinct kind order by kind) as kinds
    from inventory
    where account is null
    group by country
    order by country
    limit 300
  `;
}

/** Adds numbers; one that is there already keeps its holder and gets the new facts. */
export async function importInventory(
  sql: Sql,
  rows: readonly NewSender[],
  at: Date,
): Promise<{ added: number; updated: number }> {
  // The last row of a number counts; in order, so that two imports never lock in opposite orders.
  const unique = [...new Map(rows.map((row) => [row.number, row])).values()];
  const stored = await sql<{ isNew: boolean }[]>`
    insert into inventory (number, kind, country, connector, segments_per_second,
      max_queue_seconds, can_mms, created_at, updated_at)
    select number, kind, country, connector, rate, queue, mms, ${at}::timestamptz, ${at}::timestamptz
    from unnest(
      ${unique.map((row) => row.number)}::text[],
      ${unique.map((row) => row.kind)}::text[],
      ${unique.map((row) => row.country)}::text[],
      ${unique.map((row) => row.connector)}::text[],
      ${unique.map((row) => row.segmentsPerSecond)}::real[],
      ${unique.map((row) => row.maxQueueSeconds ?? QUEUE_SECONDS_DEFAULT)}::int[],
      ${unique.map((row) => String(row.canMms ?? false))}::text[]::boolean[]
    ) as item (number, kind, country, connector, rate, queue, mms)
    order by number
    on conflict (number) do update
    set kind = excluded.kind, country = excluded.country, connector = excluded.connector,
      segments_per_second = excluded.segments_per_second,
      max_queue_seconds = excluded.max_queue_seconds, can_mms = excluded.can_mms,
      updated_at = excluded.updated_at
    returning (xmax = 0) as "isNew"
  `;
  const added = stored.filter((row) => row.isNew).length;
  return { added, updated: stored.length - added };
}

/** By number, free ones and held ones. */
export async function listInventory(
  sql: Sql,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<InventoryNumber[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)}
    from inventory
    ${page.after === undefined ? sql`` : sql`where number > ${page.after}`}
    order by number
    limit ${page.limit}
  `;
  return rows.map(withoutNull);
}

/** Takes a free number out; a held one stays, and then nothing is removed. */
export async function removeFromInventory(sql: Sql, number: string): Promise<boolean> {
  const result = await sql`
    delete from inventory
    where number = ${number}
      and account is null
  `;
  return result.count > 0;
}

function columns(sql: Sql) {
  return sql`number, kind, country, connector, segments_per_second as "segmentsPerSecond",
    max_queue_seconds as "maxQueueSeconds", can_mms as "canMms", sid, account,
    service, in_service_since as "inServiceSince",
    friendly_name as "friendlyName", sms_url as "smsUrl", sms_method as "smsMethod",
    sms_fallback_url as "smsFallbackUrl", sms_fallback_method as "smsFallbackMethod",
    created_at as "createdAt", updated_at as "updatedAt"`;
}

function withoutNull(row: Row): InventoryNumber {
  return { ...row, sid: row.sid ?? undefined, account: row.account ?? undefined };
}
