import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { ApiError, invalidParameter, notFound } from "../../lib/errors.ts";
import type { Route as TextRoute } from "../../routing/route.ts";
import { deleteRoute, insertRoute, readRoutes, updateRoute } from "../../routing/store.ts";
import { type Call, listOf, objectOf, type Route, type Schema, text } from "./route.ts";
import { listConnectors } from "./store.ts";

export type RouteNeeds = { readonly sql: Sql; readonly clock: Clock };

/** Compared for each text that such a route may carry. */
const ITEMS_MAX = 1_000;

const name = { ...text, pattern: "^[a-z0-9][a-z0-9-]{0,62}$" };
const facts: Readonly<Record<string, Schema>> = {
  connector: { ...text, description: "By which texts go; not the simulator." },
  priority: {
    type: "integer",
    minimum: 0,
    maximum: 1_000,
    description: "The lowest is asked first.",
  },
  percentage: {
    type: "number",
    minimum: 0,
    maximum: 100,
    description: "Of the recipients. The same recipient always goes the same way.",
  },
  senders: {
    ...listOf({ ...text, pattern: "^(\\+[1-9]\\d{6,14}|\\d{3,8})$" }),
    maxItems: ITEMS_MAX,
    description: "Numbers; none: any sender.",
  },
  countries: {
    ...listOf({ ...text, pattern: "^[A-Z]{2}$" }),
    maxItems: ITEMS_MAX,
    description: "Of the recipient, ISO 3166-1 alpha-2; none: any.",
  },
  prefixes: {
    ...listOf({ ...text, pattern: "^\\+\\d{1,14}$" }),
    maxItems: ITEMS_MAX,
    description: "What the recipient's number begins with; none: any.",
  },
  networks: {
    ...listOf({ ...text, pattern: "^\\d{5,6}$" }),
    maxItems: ITEMS_MAX,
    description: "MCC and MNC of the recipient, by the number ranges; none: any.",
  },
  is_enabled: { type: "boolean" },
};
const route = objectOf({ name, ...facts });
const newRoute = {
  type: "object",
  required: ["name", "connector"],
  properties: { name, ...facts },
};

export function routeRoutes(app: RouteNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Routes",
      id: "ListRoutes",
      summary: "The routes, in the order in which they are asked",
      isForOperator: true,
      answer: { status: 200, schema: objectOf({ routes: listOf(route) }) },
      handle: async () => ({ routes: (await readRoutes(app.sql)).map(describe) }),
    },
    {
      method: "POST",
      path: "/Routes",
      id: "AddRoute",
      summary: "Adding a route: which connector carries which texts",
      isForOperator: true,
      body: { type: "json", schema: newRoute },
      answer: { status: 201, schema: route },
      handle: (call) => add(app, call),
    },
    {
      method: "POST",
      path: "/Routes/{name}",
      id: "UpdateRoute",
      summary: "Changing a route; what is not given stays",
      isForOperator: true,
      body: { type: "json", schema: { type: "object", properties: facts } },
      answer: { status: 200, schema: route },
      handle: (call) => update(app, call),
    },
    {
      method: "DELETE",
      path: "/Routes/{name}",
      id: "RemoveRoute",
      summary: "Removing a route",
      isForOperator: true,
      answer: { status: 204 },
      handle: async ({ params }) => {
        const removed = params.name ?? "";
        if (!(await deleteRoute(app.sql, removed))) throw notFound(`The route '${removed}'`);
      },
    },
  ];
}

/** By the schema. */
type RouteBody = Partial<Omit<TextRoute, "isEnabled">> & { readonly is_enabled?: boolean };

async function add(app: RouteNeeds, { body }: Call) {
  const {
    name: given = "",
    connector = "",
    is_enabled: isEnabled = true,
    ...rest
  } = body as RouteBody;
  await checkConnector(app, connector);
  const added = await insertRoute(
    app.sql,
    {
      ...{ priority: 100, percentage: 100 },
      ...{ senders: [], countries: [], prefixes: [], networks: [], ...rest },
      ...{ name: given, connector, isEnabled },
    },
    app.clock(),
  );
  if (added !== undefined) return describe(added);
  throw new ApiError(409, 20409, `There is a route '${given}' already. Change it, or remove it.`);
}

async function update(app: RouteNeeds, { params, body }: Call) {
  const { is_enabled: isEnabled, name: _name, ...rest } = body as RouteBody;
  if (rest.connector !== undefined) await checkConnector(app, rest.connector);
  const changed = params.name ?? "";
  const change = isEnabled === undefined ? rest : { ...rest, isEnabled };
  const updated = await updateRoute(app.sql, changed, change, app.clock());
  if (updated === undefined) throw notFound(`The route '${changed}'`);
  return describe(updated);
}

async function checkConnector({ sql }: RouteNeeds, connector: string): Promise<void> {
  const all = await listConnectors(sql);
  const known = all.filter(({ kind }) => kind !== "simulator").map((one) => one.name);
  if (known.includes(connector)) return;
  const names = known.join(", ") || "none yet";
  throw invalidParameter("connector", `'${connector}' is no carrier's (there is: ${names}).`);
}

function describe({ isEnabled, ...rest }: TextRoute) {
  return { ...rest, is_enabled: isEnabled };
}
