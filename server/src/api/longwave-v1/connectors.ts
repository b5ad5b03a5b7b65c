import type { ConnectorState } from "../../connectors/connector.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { ApiError, invalidParameter, notFound } from "../../lib/errors.ts";
import type { Seal } from "../../lib/seal.ts";
import {
  type Call,
  count,
  dateOrNull,
  listOf,
  objectOf,
  type Route,
  text,
  textOrNull,
} from "./route.ts";
import {
  type ConnectorRow,
  deleteConnector,
  findConnector,
  insertConnector,
  listConnectors,
  updateConnector,
} from "./store.ts";

export type ConnectorNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Pick<Seal, "seal">;
  /** Checks a connector's settings and says what to keep of them; throws `ApiError`. */
  readonly readConnectorSettings: (
    kind: NewConnector["kind"],
    settings: unknown,
  ) => { readonly kept: unknown; readonly optOutsUpstream: boolean };
  /** By name, in all processes together; nothing for one that none of them runs. */
  readonly connectorStates: () => Promise<StateOf>;
  /** What the carrier takes a second, as far as it complained to this process. */
  readonly throttledTo?: (name: string) => number | undefined;
};

type StateOf = (name: string) => ConnectorState | undefined;

const name = { ...text, pattern: "^[a-z0-9][a-z0-9-]{0,62}$" };
const nameRate = {
  type: ["number", "null"],
  exclusiveMinimum: 0,
  maximum: 10_000,
  description: "What one alphanumeric sender may send; null: the connector carries none.",
};
const state = objectOf({
  phase: {
    enum: ["connecting", "bound", "reconnecting", "stopped"],
    description: "In all processes together: bound where one is, stopped where none runs it.",
  },
  cause: { ...textOrNull, description: "Why it lost its connection." },
  next_attempt_at: dateOrNull,
  window: { ...count, type: ["integer", "null"] },
  in_flight: { ...count, type: ["integer", "null"] },
  throttled_to: {
    ...{ type: ["integer", "null"], minimum: 1 },
    description:
      "Segments a second that its carrier takes now, by its answers; null: it takes all.",
  },
});
const connector = objectOf({
  name,
  kind: { enum: ["smpp", "twilio", "http", "simulator"] },
  carrier_account: { ...text, description: "The login at the carrier: the scope of its ids." },
  opt_outs_upstream: { type: "boolean", description: "The carrier answers STOP and HELP itself." },
  is_enabled: { type: "boolean" },
  name_segments_per_second: nameRate,
  state,
});
const newConnector = {
  type: "object",
  required: ["name", "kind", "settings"],
  properties: {
    name,
    kind: { type: "string", enum: ["smpp", "twilio", "http"] },
    carrier_account: { ...text, minLength: 1, maxLength: 100 },
    opt_outs_upstream: { type: "boolean" },
    name_segments_per_second: nameRate,
    settings: {
      type: "object",
      additionalProperties: true,
      description:
        "smpp: host, port, systemId, password. twilio: accountSid, authToken. http: provider and its settings. Kept sealed; never shown again.",
    },
  },
};

const connectorChange = {
  type: "object",
  minProperties: 1,
  properties: {
    is_enabled: { type: "boolean" },
    opt_outs_upstream: { type: "boolean" },
    name_segments_per_second: nameRate,
    settings: {
      type: "object",
      additionalProperties: true,
      description: "All of them anew; its connections are made again.",
    },
  },
};

export function connectorRoutes(app: ConnectorNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Connectors",
      id: "ListConnectors",
      summary: "The connectors and their state",
      isForOperator: true,
      answer: { status: 200, schema: objectOf({ connectors: listOf(connector) }) },
      handle: () => list(app),
    },
    {
      method: "POST",
      path: "/Connectors",
      id: "AddConnector",
      summary: "Adding a connector to a carrier",
      isForOperator: true,
      body: { type: "json", schema: newConnector },
      answer: { status: 201, schema: connector },
      handle: (call) => add(app, call),
    },
    {
      method: "POST",
      path: "/Connectors/{name}",
      id: "UpdateConnector",
      summary: "Disabling a connector and enabling it again, and other settings for it",
      isForOperator: true,
      body: { type: "json", schema: connectorChange },
      answer: { status: 200, schema: connector },
      handle: (call) => update(app, call),
    },
    {
      method: "DELETE",
      path: "/Connectors/{name}",
      id: "RemoveConnector",
      summary: "Removing a connector that no sender uses",
      isForOperator: true,
      answer: { status: 204 },
      handle: (call) => remove(app, call),
    },
  ];
}

type ConnectorChange = {
  is_enabled?: boolean;
  opt_outs_upstream?: boolean;
  name_segments_per_second?: number | null;
  settings?: unknown;
};

/** By the schema. */
type NewConnector = {
  name: string;
  kind: "smpp" | "twilio" | "http";
  carrier_account?: string;
  opt_outs_upstream?: boolean;
  name_segments_per_second?: number | null;
  settings: unknown;
};

async function list(app: ConnectorNeeds) {
  const stateOf = await app.connectorStates();
  const rows = await listConnectors(app.sql);
  return { connectors: rows.map((row) => describe(app, row, stateOf)) };
}

async function add(app: ConnectorNeeds, { body }: Call) {
  const given = body as NewConnector;
  const { kept, optOutsUpstream } = app.readConnectorSettings(given.kind, given.settings);
  const added = await insertConnector(
    app.sql,
    {
      name: given.name,
      kind: given.kind,
      carrierAccount: given.carrier_account ?? given.name,
      optOutsUpstream: given.opt_outs_upstream ?? optOutsUpstream,
      nameSegmentsPerSecond: given.name_segments_per_second ?? null,
      sealedSettings: app.seal.seal(JSON.stringify(kept)),
    },
    app.clock(),
  );
  if (added !== undefined) return describe(app, added, await app.connectorStates());
  throw new ApiError(409, 20409, `There is a connector '${given.name}' already. Remove it first.`);
}

async function update(app: ConnectorNeeds, { params, body }: Call) {
  const given = body as ConnectorChange; // by the schema
  const name = params.name ?? "";
  const found = await findConnector(app.sql, name);
  if (found === undefined) throw notFound(`The connector '${name}'`);
  const change = {
    ...{ name, isEnabled: given.is_enabled, optOutsUpstream: given.opt_outs_upstream },
    nameSegmentsPerSecond: given.name_segments_per_second,
    sealedSettings: sealedSettingsOf(app, found.kind, given.settings),
  };
  const updated = await updateConnector(app.sql, change, app.clock());
  if (updated === undefined) throw notFound(`The connector '${name}'`);
  return describe(app, updated, await app.connectorStates());
}

/** Given as a whole: what was sealed is not told, so there is nothing to add to. */
function sealedSettingsOf(
  app: ConnectorNeeds,
  kind: ConnectorRow["kind"],
  settings: unknown,
): Buffer | undefined {
  if (settings === undefined) return undefined;
  if (kind === "simulator") throw invalidParameter("settings", "the simulator has none.");
  return app.seal.seal(JSON.stringify(app.readConnectorSettings(kind, settings).kept));
}

async function remove(app: ConnectorNeeds, { params }: Call): Promise<void> {
  const removed = params.name ?? "";
  const result = await deleteConnector(app.sql, removed);
  if (result === "unknown") throw notFound(`The connector '${removed}'`);
  if (result === "deleted") return;
  const why = `Senders of the inventory or routes use '${removed}'. Remove them first, or disable it.`;
  throw new ApiError(409, 20409, why);
}

function describe(app: ConnectorNeeds, row: ConnectorRow, stateOf: StateOf) {
  return {
    name: row.name,
    kind: row.kind,
    carrier_account: row.carrierAccount,
    opt_outs_upstream: row.optOutsUpstream,
    is_enabled: row.isEnabled,
    name_segments_per_second: row.nameSegmentsPerSecond,
    state: {
      ...describeState(stateOf(row.name) ?? { phase: "stopped" }),
      throttled_to: app.throttledTo?.(row.name) ?? null,
    },
  };
}

function describeState(current: ConnectorState) {
  const isBound = current.phase === "bound";
  const isLost = current.phase === "reconnecting";
  return {
    phase: current.phase,
    cause: isLost ? current.cause : null,
    next_attempt_at: isLost ? current.nextAttemptAt : null,
    window: isBound ? current.window : null,
    in_flight: isBound ? current.inFlight : null,
  };
}
