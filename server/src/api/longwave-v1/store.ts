import type { Sql } from "../../db/sql.ts";

export type ConnectorRow = {
  readonly name: string;
  readonly kind: "smpp" | "twilio" | "http" | "simulator";
  readonly carrierAccount: string;
  readonly optOutsUpstream: boolean;
  readonly isEnabled: boolean;
  /** Of one alphanumeric sender; null: it carries none. */
  readonly nameSegmentsPerSecond: number | null;
};

const CONNECTORS_MAX = 1_000;

export async function listConnectors(sql: Sql): Promise<ConnectorRow[]> {
  return await sql<ConnectorRow[]>`
    select ${columns(sql)}
    from connectors
    order by name
    limit ${CONNECTORS_MAX}
  `;
}

/** Nothing when the name is taken. */
export async function insertConnector(
  sql: Sql,
  connector: Omit<ConnectorRow, "isEnabled"> & { readonly sealedSettings: Buffer },
  at: Date,
): Promise<ConnectorRow | undefined> {
  const [row] = await sql<ConnectorRow[]>`
    insert into connectors (name, kind, carrier_account, settings, opt_outs_upstream,
      name_segments_per_second, created_at, updated_at)
    values (${connector.name}, ${connector.kind}, ${connector.carrierAccount},
      ${connector.sealedSettings}, ${connector.optOutsUpstream},
      ${connector.nameSegmentsPerSecond}, ${at}, ${at})
    on conflict (name) do nothing
    returning ${columns(sql)}
  `;
  return row;
}

export async function findConnector(sql: Sql, name: string): Promise<ConnectorRow | undefined> {
  const [row] = await sql<ConnectorRow[]>`
    select ${columns(sql)}
    from connectors
    where name = ${name}
  `;
  return row;
}

/** What is not given stays. */
export async function updateConnector(
  sql: Sql,
  change: {
    readonly name: string;
    readonly isEnabled?: boolean | undefined;
    readonly optOutsUpstream?: boolean | undefined;
    readonly nameSegmentsPerSecond?: number | null | undefined;
    readonly sealedSettings?: Buffer | undefined;
  },
  at: Date,
): Promise<ConnectorRow | undefined> {
  const [row] = await sql<ConnectorRow[]>`
    update connectors
    set is_enabled = coalesce(${change.isEnabled ?? null}::boolean, is_enabled),
      opt_outs_upstream = coalesce(${change.optOutsUpstream ?? null}::boolean, opt_outs_upstream),
      settings = coalesce(${change.sealedSettings ?? null}::bytea, settings),
      name_segments_per_second = case
        when ${change.nameSegmentsPerSecond === undefined} then name_segments_per_second
        else ${change.nameSegmentsPerSecond ?? null}::real
      end,
      updated_at = ${at}
    where name = ${change.name}
    returning ${columns(sql)}
  `;
  return row;
}

/** A connector that still carries senders stays. */
export async function deleteConnector(
  sql: Sql,
  name: string,
): Promise<"deleted" | "in use" | "unknown"> {
  return await sql.begin(async (transaction) => {
    // Locked first: a sender that is added meanwhile waits, and then finds no connector.
    const locked = await transaction`
      select name
      from connectors
      where name = ${name}
      for update
    `;
    if (locked.count === 0) return "unknown";
    const deleted = await transaction`
      delete from connectors
      where name = ${name}
        and not exists (select from inventory where connector = ${name})
        and not exists (select from routes where connector = ${name})
    `;
    return deleted.count === 1 ? "deleted" : "in use";
  });
}

export async function isInInventory(sql: Sql, number: string): Promise<boolean> {
  const rows = await sql`
    select number
    from inventory
    where number = ${number}
  `;
  return rows.count > 0;
}

function columns(sql: Sql) {
  return sql`name, kind, carrier_account as "carrierAccount",
    opt_outs_upstream as "optOutsUpstream", is_enabled as "isEnabled", name_segments_per_second as "nameSegmentsPerSecond"`;
}
