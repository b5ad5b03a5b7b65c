import type { Sql } from "../db/sql.ts";

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
