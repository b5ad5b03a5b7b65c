import type { Socket } from "node:net";
import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import type { Seal } from "../lib/seal.ts";
import type { Connector, ConnectorEvents } from "./connector.ts";
import { parseSmppSettings } from "./smpp/settings.ts";
import { createSmppConnector } from "./smpp/smpp-connector.ts";
import { readConnectors } from "./store.ts";

/** The connectors that are enabled, running. */
export type ConnectorPool = {
  readonly byName: ReadonlyMap<string, Connector>;
  /** Starts, restarts and stops connectors as the table says now. */
  readonly refresh: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export function createConnectorPool(app: {
  sql: Sql;
  seal: Seal;
  clock: Clock;
  connectSocket: (host: string, port: number) => Promise<Socket>;
  /** The simulator of this machine is on loopback, where no carrier may be. */
  connectLoopback: (host: string, port: number) => Promise<Socket>;
  events: ConnectorEvents;
}): ConnectorPool {
  const byName = new Map<string, Connector>();
  const startedAt = new Map<string, number>();

  return {
    byName,
    refresh: async () => {
      const rows = await readConnectors(app.sql);
      const wanted = new Map(rows.map((row) => [row.name, row]));
      for (const [name, connector] of byName) {
        if (wanted.get(name)?.updatedAt.getTime() === startedAt.get(name)) continue;
        byName.delete(name);
        await connector.close();
      }
      for (const row of rows) {
        if (byName.has(row.name)) continue;
        const isSimulated = row.kind === "simulator";
        startedAt.set(row.name, row.updatedAt.getTime());
        byName.set(
          row.name,
          createSmppConnector({
            ...{ name: row.name, carrierAccount: row.carrierAccount, isSimulated },
            optOutsUpstream: row.optOutsUpstream,
            settings: parseSmppSettings(JSON.parse(app.seal.open(row.sealedSettings))),
            ...{ clock: app.clock, random: Math.random, events: app.events },
            connectSocket: isSimulated ? app.connectLoopback : app.connectSocket,
          }),
        );
      }
    },
    close: async () => {
      await Promise.all([...byName.values()].map((connector) => connector.close()));
    },
  };
}
