import type { Sql } from "../db/sql.ts";
import type { Seal } from "../lib/seal.ts";
import { carriesMedia } from "./connector-pool.ts";
import { type ConnectorRow, readConnectors } from "./store.ts";

/** The connectors that are enabled, as of the last refresh; also where none of them runs. */
export type ConnectorBook = {
  readonly isSimulated: (name: string) => boolean;
  readonly carriesMedia: (name: string) => boolean;
  readonly ofCarrierAccount: (carrierAccount: string) => ConnectorRow | undefined;
  /** Must run once before the first use. */
  readonly refresh: () => Promise<void>;
};

export function createConnectorBook(app: {
  readonly sql: Sql;
  readonly seal: Pick<Seal, "open">;
}): ConnectorBook {
  let byName = new Map<string, ConnectorRow>();
  let withMedia = new Set<string>();
  return {
    isSimulated: (name) => byName.get(name)?.kind === "simulator",
    carriesMedia: (name) => withMedia.has(name),
    ofCarrierAccount: (carrierAccount) =>
      [...byName.values()].find((row) => row.carrierAccount === carrierAccount),
    refresh: async () => {
      const rows = await readConnectors(app.sql);
      byName = new Map(rows.map((row) => [row.name, row]));
      const carrying = rows.filter((row) => carriesMedia(app, row));
      withMedia = new Set(carrying.map(({ name }) => name));
    },
  };
}
