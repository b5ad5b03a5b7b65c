import {
  deleteRegistrationLimit,
  listRegistrationLimits,
  upsertRegistrationLimits,
} from "../../compliance/registration-limit-store.ts";
import { BRAND_DAY_ZONE, type RegistrationLimit } from "../../compliance/registration-limits.ts";
import type { RuleBook } from "../../compliance/rule-book.ts";
import type { Sql } from "../../db/sql.ts";
import { type Clock, utcDayAt } from "../../lib/clock.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import { localMs } from "../../lib/local-time.ts";
import { readDayUsed } from "../../throughput/day-share-store.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import { type Call, count, listOf, objectOf, type Route, text } from "./route.ts";

export type RegistrationLimitNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly ruleBook: Pick<RuleBook, "refresh">;
};

const LIMITS_MAX = 1_000;
const ID_LENGTH_MAX = 64;

const properties = {
  kind: { type: "string", enum: ["campaign", "brand"] },
  id: { ...text, minLength: 1, maxLength: ID_LENGTH_MAX, description: "As registrations name it." },
  segments_per_second: {
    ...{ type: "number", exclusiveMinimum: 0, maximum: 10_000 },
    description: "Of a campaign: all its numbers together, whichever carrier the recipients have.",
  },
  segments_per_day: {
    ...{ type: "integer", minimum: 1, maximum: 1_000_000_000 },
    description: "Of a brand: all its numbers together, from midnight to midnight, Pacific time.",
  },
} as const;
const shownLimit = {
  ...{ type: "object", required: ["kind", "id"] },
  properties: {
    ...properties,
    segments_today: { ...count, description: "Of a brand: claimed today, and not refused." },
  },
};

/** Limits that come with a registration, of the numbers that share it. */
export function registrationLimitRoutes(app: RegistrationLimitNeeds): Route[] {
  return [
    {
      ...{ method: "GET", path: "/RegistrationLimits", id: "ListRegistrationLimits" },
      summary: "What carriers take of campaigns in a second and of brands in a day",
      isForOperator: true,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema("registration_limits", shownLimit) },
      handle: (call) => list(app, call),
    },
    {
      ...{ method: "POST", path: "/RegistrationLimits", id: "PutRegistrationLimits" },
      summary: "Setting what carriers take of campaigns and brands",
      isForOperator: true,
      body: {
        type: "json",
        schema: objectOf({
          registration_limits: {
            ...listOf({ type: "object", required: ["kind", "id"], properties }),
            ...{ minItems: 1, maxItems: LIMITS_MAX },
          },
        }),
      },
      answer: { status: 200, schema: objectOf({ stored: count }) },
      handle: async ({ body }) => {
        const given = body as { registration_limits: NewLimit[] }; // by the schema
        const limits = given.registration_limits.map(parseLimit);
        await upsertRegistrationLimits(app.sql, limits, app.clock());
        await app.ruleBook.refresh();
        return { stored: new Set(limits.map(({ kind, id }) => `${kind} ${id}`)).size };
      },
    },
    {
      ...{ method: "DELETE", path: "/RegistrationLimits/{kind}/{id}" },
      id: "RemoveRegistrationLimit",
      summary: "Lifting the limit of a campaign or a brand",
      isForOperator: true,
      answer: { status: 204 },
      handle: async ({ params }) => {
        const { kind = "", id = "" } = params;
        if (!(await deleteRegistrationLimit(app.sql, { kind, id }))) {
          throw notFound(`A limit of the ${kind} '${id}'`);
        }
        await app.ruleBook.refresh();
      },
    },
  ];
}

async function list({ sql, clock }: RegistrationLimitNeeds, call: Call) {
  const page = readPage(call, 2);
  const [kind, id] = page.after ?? [];
  const after = kind === undefined || id === undefined ? undefined : ([kind, id] as const);
  const found = await listRegistrationLimits(sql, { after, limit: page.limit });
  const today = utcDayAt(localMs(BRAND_DAY_ZONE, clock().getTime()));
  const brands = found.flatMap((limit) => (limit.kind === "brand" ? [limit.id] : []));
  const used = await readDayUsed(sql, { kind: "brand day", of: brands, day: today });
  return {
    registration_limits: found.map((limit) =>
      limit.kind === "campaign"
        ? { kind: limit.kind, id: limit.id, segments_per_second: limit.segmentsPerSecond }
        : {
            ...{ kind: limit.kind, id: limit.id, segments_per_day: limit.segmentsPerDay },
            segments_today: used.get(limit.id) ?? 0,
          },
    ),
    ...pageOf("registration_limits", found, page, (limit) => [limit.kind, limit.id]),
  };
}

type NewLimit = {
  readonly kind: "campaign" | "brand";
  readonly id: string;
  readonly segments_per_second?: number;
  readonly segments_per_day?: number;
};

function parseLimit(given: NewLimit): RegistrationLimit {
  const { kind, id, segments_per_second: perSecond, segments_per_day: perDay } = given;
  if (kind === "campaign" && perSecond !== undefined && perDay === undefined) {
    return { kind, id, segmentsPerSecond: perSecond };
  }
  if (kind === "brand" && perDay !== undefined && perSecond === undefined) {
    return { kind, id, segmentsPerDay: perDay };
  }
  throw invalidParameter(
    "registration_limits",
    `a campaign has segments_per_second and a brand segments_per_day; ${kind} '${id}' has not.`,
  );
}
