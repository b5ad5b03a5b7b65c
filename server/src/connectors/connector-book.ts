import type { Sql } from "../db/sql.ts";
import { type ConnectorRow, readConnectors } from "./store.ts";

/** The connectors that are enabled, as of the last refresh; also where none of them runs. */
export type ConnectorBook = {
  readonly isSimulated: (name: string) => boolean;
  readonly ofCarrierAccount: (carrierAccount: string) => ConnectorRow | undefined;
  /** Must run once before the first use. */
  readonly refresh: () => Promise<void>;
};

export function createConnectorBook(app: { readonly sql: Sql }): ConnectorBook {
  let byName = new Map<string, ConnectorRow>();
  return {
    isSimulated: (name) => byName.get(name)?.kind === "simulator",
    ofCarrierAccount: (carrierAccount) =>
      [...byName.values()].find((row) => row.carrierAccount === carrierAccount),
    refresh: async () => {
      byName = new Map((await readConnectors(app.sql)).map((row) => [row.name, row]));
    },
  };
}
