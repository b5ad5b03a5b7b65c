import type { RegistrationStatus } from "../../compliance/registration.ts";
import {
  deleteRegistration,
  listRegistrations,
  upsertRegistrations,
} from "../../compliance/registration-store.ts";
import type { RuleBook } from "../../compliance/rule-book.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import { type Call, count, listOf, objectOf, type Route, text } from "./route.ts";

export type RegistrationNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly ruleBook: Pick<RuleBook, "refresh">;
};

const REGISTRATIONS_MAX = 1_000;
const ID_LENGTH_MAX = 64;

const id = { ...text, minLength: 1, maxLength: ID_LENGTH_MAX };
const properties = {
  number: { ...text, description: "A number of the inventory, in E.164." },
  campaign: {
    ...id,
    description:
      "The registry's id of the campaign, such as C1AB2CD; toll-free: the verification's.",
  },
  brand: { ...text, maxLength: ID_LENGTH_MAX, description: "The registry's id of the brand." },
  class: {
    ...text,
    maxLength: ID_LENGTH_MAX,
    description: "The carriers' class for its messages, such as A to Z of AT&T.",
  },
  status: {
    type: "string",
    enum: ["pending", "active", "suspended"],
    description: "Only active lets texts leave; it is active when left out.",
  },
} as const;
const registration = objectOf(properties);
const newRegistration = { type: "object", required: ["number", "campaign"], properties };

export function registrationRoutes(app: RegistrationNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Registrations",
      id: "ListRegistrations",
      summary: "The numbers that are registered with United States carriers",
      isForOperator: true,
      query: pageQuery,
      answer: { status: 200, schema: pageSchema("registrations", registration) },
      handle: async (call) => {
        const page = readPage(call, 1);
        const found = await listRegistrations(app.sql, {
          ...{ after: page.after?.[0], limit: page.limit },
        });
        return {
          registrations: found,
          ...pageOf("registrations", found, page, ({ number }) => [number]),
        };
      },
    },
    {
      method: "POST",
      path: "/Registrations",
      id: "PutRegistrations",
      summary: "Recording the campaign of numbers, or the verification of toll-free ones",
      isForOperator: true,
      body: {
        type: "json",
        schema: objectOf({
          registrations: { ...listOf(newRegistration), minItems: 1, maxItems: REGISTRATIONS_MAX },
        }),
      },
      answer: { status: 200, schema: objectOf({ stored: count }) },
      handle: (call) => put(app, call),
    },
    {
      method: "DELETE",
      path: "/Registrations/{number}",
      id: "RemoveRegistration",
      summary: "Forgetting a number's registration",
      isForOperator: true,
      answer: { status: 204 },
      handle: async ({ params }) => {
        const number = params.number ?? "";
        if (!(await deleteRegistration(app.sql, number))) {
          throw notFound(`A registration of '${number}'`);
        }
        await app.ruleBook.refresh();
      },
    },
  ];
}

/** By the schema. */
type NewRegistration = {
  number: string;
  campaign: string;
  brand?: string;
  class?: string;
  status?: RegistrationStatus;
};

async function put(app: RegistrationNeeds, { body }: Call) {
  const { registrations } = body as { registrations: NewRegistration[] };
  const all = registrations.map((given) => ({
    ...{ number: given.number, campaign: given.campaign, brand: given.brand ?? "" },
    ...{ class: given.class ?? "", status: given.status ?? ("active" as const) },
  }));
  const missing = await upsertRegistrations(app.sql, all, app.clock());
  await app.ruleBook.refresh();
  if (missing.length > 0) {
    const why = `${missing.slice(0, 3).join(", ")} is not in the inventory. Add it there; the others are stored.`;
    throw invalidParameter("number", why);
  }
  return { stored: new Set(all.map(({ number }) => number)).size };
}
