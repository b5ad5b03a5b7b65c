import type { Sql } from "../db/sql.ts";
import type { Registration } from "./registration.ts";

/** As many as there can be senders. */
const NUMBERS_MAX = 200_000;

/**
 * The senders that United States carriers would stop, with the code of why: 30032 a toll-free
 * number that is not verified, 30034 a long code without campaign, 30035 pending, 30033 suspended.
 * The simulated network asks for none, and Twilio, where it carries a sender, checks by itself.
 */
export async function readUnregistered(sql: Sql): Promise<Map<string, number>> {
  const rows = await sql<{ number: string; errorCode: number }[]>`
    select inventory.number, case
        when inventory.kind = 'toll_free' then 30032
        when status = 'pending' then 30035
        when status = 'suspended' then 30033
        else 30034
      end as "errorCode"
    from inventory
    join connectors on connectors.name = inventory.connector
    left join registrations on registrations.number = inventory.number
    where inventory.account is not null and inventory.number like '+1%'
      and (inventory.kind = 'toll_free'
        or inventory.kind = 'long_code' and inventory.country in ('US', 'PR', 'VI', 'CA'))
      and connectors.kind not in ('simulator', 'twilio')
      and status is distinct from 'active'
    limit ${NUMBERS_MAX}
  `;
  return new Map(rows.map((row) => [row.number, row.errorCode]));
}

/** What is recorded of the long codes in a messaging service. */
export type Campaign = Omit<Registration, "number"> & { readonly updatedAt: Date };

/** By messaging service; each once, whatever the number of senders in it. */
export async function readCampaigns(sql: Sql): Promise<Map<string, Campaign[]>> {
  const rows = await sql<(Campaign & { service: string })[]>`
    select distinct on (service, campaign) service, campaign, brand, class, status,
      registrations.updated_at as "updatedAt"
    from registrations
    join inventory on inventory.number = registrations.number
    where service is not null and kind = 'long_code'
    order by service, campaign, registrations.updated_at desc
    limit ${NUMBERS_MAX}
  `;
  const campaigns = new Map<string, Campaign[]>();
  for (const { service, ...campaign } of rows) {
    const ofService = campaigns.get(service);
    if (ofService === undefined) campaigns.set(service, [campaign]);
    else ofService.push(campaign);
  }
  return campaigns;
}

/** Stores what is known of numbers, in place of what was; gives those that the inventory lacks. */
export async function upsertRegistrations(
  sql: Sql,
  registrations: readonly Registration[],
  at: Date,
): Promise<string[]> {
  // The last row of a number counts; in order, so that two of these never deadlock.
  const unique = [...new Map(registrations.map((row) => [row.number, row])).values()];
  const stored = await sql<{ number: string }[]>`
    insert into registrations (number, campaign, brand, class, status, updated_at)
    select item.*, ${at}
    from unnest(
      ${unique.map((row) => row.number)}::text[],
      ${unique.map((row) => row.campaign)}::text[],
      ${unique.map((row) => row.brand)}::text[],
      ${unique.map((row) => row.class)}::text[],
      ${unique.map((row) => row.status)}::text[]
    ) as item(number, campaign, brand, class, status)
    join inventory on inventory.number = item.number
    order by item.number
    on conflict (number) do update
    set campaign = excluded.campaign, brand = excluded.brand, class = excluded.class,
      status = excluded.status, updated_at = excluded.updated_at
    returning number
  `;
  const known = new Set(stored.map((row) => row.number));
  return unique.map((row) => row.number).filter((number) => !known.has(number));
}

/** By number. */
export async function listRegistrations(
  sql: Sql,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<Registration[]> {
  return sql<Registration[]>`
    select number, campaign, brand, class, status
    from registrations
    ${page.after === undefined ? sql`` : sql`where number > ${page.after}`}
    order by number
    limit ${page.limit}
  `;
}

/** Whether there was one. */
export async function deleteRegistration(sql: Sql, number: string): Promise<boolean> {
  const result = await sql`
    delete from registrations
    where number = ${number}
  `;
  return result.count > 0;
}
