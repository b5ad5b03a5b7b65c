import type { Sql } from "../db/sql.ts";
import type { ConnectorState } from "./connector.ts";

export type ConnectorKind = "smpp" | "twilio" | "http" | "simulator";

export type ConnectorRow = {
  readonly name: string;
  readonly kind: ConnectorKind;
  readonly carrierAccount: string;
  readonly sealedSettings: Uint8Array;
  readonly optOutsUpstream: boolean;
  readonly updatedAt: Date;
};

const CONNECTORS_MAX = 1_000;

export async function readConnectors(sql: Sql): Promise<ConnectorRow[]> {
  return sql<ConnectorRow[]>`
    select name, kind, carrier_account as "carrierAccount", settings as "sealedSettings",
      opt_outs_upstream as "optOutsUpstream", updated_at as "updatedAt"
    from connectors
    where is_enabled
    order by name
    limit ${CONNECTORS_MAX}
  `;
}

/** The simulator's port is new at every start. */
export async function upsertSimulator(sql: Sql, sealedSettings: Uint8Array): Promise<void> {
  await sql`
    insert into connectors (name, kind, carrier_account, settings, name_segments_per_second,
      created_at, updated_at)
    values ('simulator', 'simulator', 'simulator', ${sealedSettings}, 10, now(), now())
    on conflict (name) do update
    set settings = excluded.settings, updated_at = now()
  `;
}

/** A process tells each second; what is older than this is of one that ended without a word. */
const TOLD_MS_MAX = 10_000;

/** In place of all that this process told before. */
export async function writeConnectorStates(
  sql: Sql,
  { owner, states }: { owner: string; states: readonly { name: string; state: ConnectorState }[] },
): Promise<void> {
  await sql`
    with told as (
      select * from unnest(
        ${states.map(({ name }) => name)}::text[],
        ${states.map(({ state }) => JSON.stringify(state))}::text[]::jsonb[]
      ) as item(connector, state)
    ),
    gone as (
      delete from connector_states
      where (owner = ${owner} and connector not in (select connector from told))
        or (owner <> ${owner} and told_at < now() - ${TOLD_MS_MAX} * interval '1 millisecond')
    )
    insert into connector_states (connector, owner, told_at, state)
    select connector, ${owner}, now(), state from told
    on conflict (connector, owner) do update
    set told_at = excluded.told_at, state = excluded.state
  `;
}

export async function deleteConnectorStates(sql: Sql, owner: string): Promise<void> {
  await sql`delete from connector_states where owner = ${owner}`;
}

const STATES_MAX = 10_000;

/** What other processes told of late. */
export async function readConnectorStates(
  sql: Sql,
  notOf: string,
): Promise<{ name: string; state: ConnectorState }[]> {
  const rows = await sql<{ name: string; state: ToldState }[]>`
    select connector as name, state
    from connector_states
    where owner <> ${notOf} and told_at >= now() - ${TOLD_MS_MAX} * interval '1 millisecond'
    order by connector, owner
    limit ${STATES_MAX}
  `;
  return rows.map(({ name, state }) => ({ name, state: instantsOf(state) }));
}

/** As JSON keeps it: instants are texts. */
type ToldState =
  | Exclude<ConnectorState, { phase: "reconnecting" }>
  | { readonly phase: "reconnecting"; readonly cause: string; readonly nextAttemptAt: string };

function instantsOf(state: ToldState): ConnectorState {
  if (state.phase !== "reconnecting") return state;
  return { ...state, nextAttemptAt: new Date(state.nextAttemptAt) };
}
