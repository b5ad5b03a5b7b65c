import type { Sql } from "../db/sql.ts";
import type { Sid } from "../lib/sid.ts";
import {
  type AlphaSender,
  POOL_SIZE_MAX,
  type ServiceRow,
  type ServiceSettings,
} from "./service.ts";

/** Held in memory by every process. */
const SERVICES_MAX = 100_000;
const ALPHA_SENDERS_MAX = 200_000;

export async function readServices(sql: Sql): Promise<ServiceRow[]> {
  return sql<ServiceRow[]>`
    select ${columns(sql)}
    from services
    order by service
    limit ${SERVICES_MAX}
  `;
}

export async function readAlphaSenders(sql: Sql): Promise<AlphaSender[]> {
  return sql<AlphaSender[]>`
    select sid, service, name, country, created_at as "createdAt"
    from alpha_senders
    order by sid
    limit ${ALPHA_SENDERS_MAX}
  `;
}

export type NameCarrier = { readonly connector: string; readonly segmentsPerSecond: number };

/** The connector that carries alphanumeric senders: a simulated one only where no real one does. */
export async function readNameCarrier(sql: Sql): Promise<NameCarrier | undefined> {
  const [row] = await sql<NameCarrier[]>`
    select name as connector, name_segments_per_second as "segmentsPerSecond"
    from connectors
    where is_enabled and name_segments_per_second is not null
    order by kind = 'simulator', name
    limit 1
  `;
  return row;
}

export async function insertService(
  sql: Sql,
  service: { readonly sid: Sid; readonly account: number },
  settings: ServiceSettings,
  at: Date,
): Promise<ServiceRow> {
  const key = { service: service.sid, account: service.account, created_at: at };
  const [row] = await sql<ServiceRow[]>`
    insert into services ${sql({ ...key, ...rowOf(sql, settings, at) })}
    returning ${columns(sql)}
  `;
  if (row === undefined) throw new Error("PostgreSQL returned no service.");
  return row;
}

/** Nothing when it is gone. */
export async function updateService(
  sql: Sql,
  service: { readonly sid: Sid; readonly account: number },
  settings: ServiceSettings,
  at: Date,
): Promise<ServiceRow | undefined> {
  const [row] = await sql<ServiceRow[]>`
    update services
    set ${sql(rowOf(sql, settings, at))}
    where service = ${service.sid}
      and account = ${service.account}
    returning ${columns(sql)}
  `;
  return row;
}

/** Its senders stay the account's. */
export async function deleteService(
  sql: Sql,
  service: { readonly sid: Sid; readonly account: number },
): Promise<boolean> {
  const result = await sql`
    delete from services
    where service = ${service.sid}
      and account = ${service.account}
  `;
  return result.count > 0;
}

export type Joined = "joined" | "there already" | "in another service" | "full" | "gone";

/**
 * Puts a number into a service, and who opted out of the number opts out of the service. Of two
 * that fill the last place one gets it.
 */
export async function joinService(
  sql: Sql,
  join: { readonly account: number; readonly service: Sid; readonly sender: Sid },
  at: Date,
): Promise<Joined> {
  return sql.begin(async (transaction) => {
    const held = transaction as unknown as Sql;
    const size = await lockPool(held, join);
    if (size === undefined) return "gone";
    if (size >= POOL_SIZE_MAX) return "full";
    const [sender] = await held<{ number: string; service: Sid | null }[]>`
      select number, service
      from inventory
      where account = ${join.account}
        and sid = ${join.sender}
      for update
    `;
    if (sender === undefined) return "gone";
    if (sender.service === join.service) return "there already";
    if (sender.service !== null) return "in another service";
    await held`
      update inventory
      set service = ${join.service}, in_service_since = ${at}
      where number = ${sender.number}
    `;
    await held`
      insert into opt_outs (account, pool, recipient, source, keyword, opted_out_at)
      select account, ${join.service}, recipient, source, keyword, opted_out_at
      from opt_outs
      where account = ${join.account}
        and pool = ${sender.number}
      on conflict do nothing
    `;
    return "joined";
  });
}

/** Whether the number was in the service. */
export async function leaveService(
  sql: Sql,
  leave: { readonly account: number; readonly service: Sid; readonly sender: Sid },
): Promise<boolean> {
  const result = await sql`
    update inventory
    set service = null, in_service_since = null
    where account = ${leave.account}
      and service = ${leave.service}
      and sid = ${leave.sender}
  `;
  return result.count > 0;
}

export async function insertAlphaSender(
  sql: Sql,
  account: number,
  sender: AlphaSender,
): Promise<"joined" | "there already" | "full" | "gone"> {
  return sql.begin(async (transaction) => {
    const held = transaction as unknown as Sql;
    const size = await lockPool(held, { ...sender, account });
    if (size === undefined) return "gone";
    if (size >= POOL_SIZE_MAX) return "full";
    const result = await held`
      insert into alpha_senders (sid, service, name, country, created_at)
      values (${sender.sid}, ${sender.service}, ${sender.name}, ${sender.country}, ${sender.createdAt})
      on conflict do nothing
    `;
    return result.count > 0 ? "joined" : "there already";
  });
}

export async function deleteAlphaSender(
  sql: Sql,
  sender: { readonly service: Sid; readonly sid: Sid },
): Promise<boolean> {
  const result = await sql`
    delete from alpha_senders
    where service = ${sender.service}
      and sid = ${sender.sid}
  `;
  return result.count > 0;
}

/** How many senders the service has; nobody adds one until the transaction ends. Nothing: it is gone. */
async function lockPool(
  sql: Sql,
  of: { readonly account: number; readonly service: Sid },
): Promise<number | undefined> {
  const locked = await sql`
    select
    from services
    where service = ${of.service}
      and account = ${of.account}
    for no key update
  `;
  if (locked.count === 0) return undefined;
  const [row] = await sql<{ size: number }[]>`
    select (
      (select count(*) from inventory where service = ${of.service})
      + (select count(*) from alpha_senders where service = ${of.service})
    )::int as size
  `;
  return row?.size ?? 0;
}

function rowOf(sql: Sql, settings: ServiceSettings, at: Date) {
  return {
    friendly_name: settings.friendlyName,
    inbound_request_url: settings.inboundRequestUrl,
    inbound_method: settings.inboundMethod,
    fallback_url: settings.fallbackUrl,
    fallback_method: settings.fallbackMethod,
    status_callback: settings.statusCallback,
    use_inbound_webhook_on_number: settings.useInboundWebhookOnNumber,
    sticky_sender: settings.stickySender,
    area_code_geomatch: settings.areaCodeGeomatch,
    smart_encoding: settings.smartEncoding,
    validity_period: settings.validityPeriod,
    usecase: settings.usecase,
    default_priority: settings.defaultPriority,
    kept: sql.json(settings.kept),
    updated_at: at,
  };
}

function columns(sql: Sql) {
  return sql`service as sid, account, friendly_name as "friendlyName",
    inbound_request_url as "inboundRequestUrl", inbound_method as "inboundMethod",
    fallback_url as "fallbackUrl", fallback_method as "fallbackMethod",
    status_callback as "statusCallback",
    use_inbound_webhook_on_number as "useInboundWebhookOnNumber", sticky_sender as "stickySender",
    area_code_geomatch as "areaCodeGeomatch", smart_encoding as "smartEncoding",
    validity_period as "validityPeriod", usecase, default_priority as "defaultPriority", kept,
    created_at as "createdAt", updated_at as "updatedAt"`;
}
