import type { Sql } from "../db/sql.ts";
import type { RegisteredLimits, RegistrationLimit } from "./registration-limits.ts";

const NUMBERS_MAX = 200_000;

type LimitRow = {
  readonly kind: "campaign" | "brand";
  readonly id: string;
  readonly perSecond: number | null;
  readonly perDay: number | null;
};

/** By number: the limits of what it is registered for. */
export async function readRegisteredLimits(sql: Sql): Promise<Map<string, RegisteredLimits>> {
  const rows = await sql<
    {
      number: string;
      campaign: string;
      brand: string;
      perSecond: number | null;
      perDay: number | null;
    }[]
  >`
    select number, campaign, brand, of_campaign.segments_per_second as "perSecond",
      of_brand.segments_per_day as "perDay"
    from registrations
    left join registration_limits as of_campaign
      on of_campaign.kind = 'campaign' and of_campaign.id = registrations.campaign
    left join registration_limits as of_brand
      on of_brand.kind = 'brand' and of_brand.id = registrations.brand
    where of_campaign.id is not null or of_brand.id is not null
    limit ${NUMBERS_MAX}
  `;
  return new Map(
    rows.map(({ number, campaign, brand, perSecond, perDay }) => [
      number,
      {
        ...{ campaign, segmentsPerSecond: perSecond ?? undefined },
        ...{ brand, segmentsPerDay: perDay ?? undefined },
      },
    ]),
  );
}

export async function listRegistrationLimits(
  sql: Sql,
  page: { readonly after?: readonly [string, string] | undefined; readonly limit: number },
): Promise<RegistrationLimit[]> {
  const rows = await sql<LimitRow[]>`
    select kind, id, segments_per_second as "perSecond", segments_per_day as "perDay"
    from registration_limits
    ${page.after === undefined ? sql`` : sql`where (kind, id) > (${page.after[0]}, ${page.after[1]})`}
    order by kind, id
    limit ${page.limit}
  `;
  return rows.map(({ kind, id, perSecond, perDay }) =>
    kind === "campaign"
      ? { kind, id, segmentsPerSecond: perSecond ?? 0 }
      : { kind, id, segmentsPerDay: perDay ?? 0 },
  );
}

export async function upsertRegistrationLimits(
  sql: Sql,
  limits: readonly RegistrationLimit[],
  at: Date,
): Promise<void> {
  // The last one of an id counts; in order, so that two of these never deadlock.
  const unique = [...new Map(limits.map((limit) => [`${limit.kind} ${limit.id}`, limit])).values()];
  await sql`
    insert into registration_limits (kind, id, segments_per_second, segments_per_day, updated_at)
    select item.*, ${at}
    from unnest(
      ${unique.map(({ kind }) => kind)}::text[],
      ${unique.map(({ id }) => id)}::text[],
      ${unique.map((limit) => (limit.kind === "campaign" ? limit.segmentsPerSecond : null))}::real[],
      ${unique.map((limit) => (limit.kind === "brand" ? limit.segmentsPerDay : null))}::int[]
    ) as item(kind, id, segments_per_second, segments_per_day)
    order by kind, id
    on conflict (kind, id) do update
    set segments_per_second = excluded.segments_per_second,
      segments_per_day = excluded.segments_per_day, updated_at = excluded.updated_at
  `;
}

/** Whether there was one. */
export async function deleteRegistrationLimit(
  sql: Sql,
  { kind, id }: { readonly kind: string; readonly id: string },
): Promise<boolean> {
  const result = await sql`
    delete from registration_limits
    where kind = ${kind} and id = ${id}
  `;
  return result.count > 0;
}
