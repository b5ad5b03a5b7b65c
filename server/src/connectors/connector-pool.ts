import type { Socket } from "node:net";
import type { Sql } from "../db/sql.ts";
import type { Clock } from "../lib/clock.ts";
import type { Exchange, HttpRequest } from "../lib/http-exchange.ts";
import type { Seal } from "../lib/seal.ts";
import type { Connector, ConnectorEvents } from "./connector.ts";
import { takesMedia } from "./http/definition.ts";
import { createHttpConnector } from "./http/http-connector.ts";
import { parseHttpSettings, parseTwilioSettings } from "./http/settings.ts";
import { parseSmppSettings } from "./smpp/settings.ts";
import { createSmppConnector } from "./smpp/smpp-connector.ts";
import { type ConnectorKind, type ConnectorRow, readConnectors } from "./store.ts";

/** The connectors that are enabled, running. */
export type ConnectorPool = {
  readonly byName: ReadonlyMap<string, Connector>;
  /** Starts, restarts and stops connectors as the table says now. */
  readonly refresh: () => Promise<void>;
  readonly close: () => Promise<void>;
};

type Needs = {
  readonly sql: Sql;
  readonly seal: Pick<Seal, "open">;
  readonly clock: Clock;
  readonly connectSocket: (host: string, port: number) => Promise<Socket>;
  /** The simulator of this machine is on loopback, where no carrier may be. */
  readonly connectLoopback: (host: string, port: number) => Promise<Socket>;
  readonly request: (request: HttpRequest) => Promise<Exchange>;
  /** Where carriers call; no slash at its end. */
  readonly publicUrl: () => string;
  readonly events: ConnectorEvents;
  readonly onError: (error: unknown) => void;
  /** Only connectors that carriers call by HTTP. */
  readonly onlyCalled: boolean;
};

const calledKinds: ReadonlySet<ConnectorKind> = new Set(["twilio", "http"]);

export function createConnectorPool(app: Needs): ConnectorPool {
  const byName = new Map<string, Connector>();
  const startedAt = new Map<string, number>();

  return {
    byName,
    refresh: async () => {
      const all = await readConnectors(app.sql);
      const rows = app.onlyCalled ? all.filter(({ kind }) => calledKinds.has(kind)) : all;
      const wanted = new Map(rows.map((row) => [row.name, row]));
      for (const [name, connector] of byName) {
        if (wanted.get(name)?.updatedAt.getTime() === startedAt.get(name)) continue;
        byName.delete(name);
        await connector.close();
      }
      for (const row of rows) {
        if (byName.has(row.name)) continue;
        startedAt.set(row.name, row.updatedAt.getTime());
        byName.set(row.name, openConnector(app, row));
      }
    },
    close: async () => {
      await Promise.all([...byName.values()].map((connector) => connector.close()));
    },
  };
}

function openConnector(app: Needs, row: ConnectorRow): Connector {
  const { name, kind, carrierAccount, optOutsUpstream } = row;
  const { clock, events } = app;
  const settings: unknown = JSON.parse(app.seal.open(row.sealedSettings));
  const base = { name, carrierAccount, optOutsUpstream, clock, events, random: Math.random };
  switch (kind) {
    case "smpp":
    case "simulator": {
      const isSimulated = kind === "simulator";
      return createSmppConnector({
        ...{ ...base, isSimulated, settings: parseSmppSettings(settings) },
        connectSocket: isSimulated ? app.connectLoopback : app.connectSocket,
      });
    }
    case "twilio":
    case "http":
      return createHttpConnector({
        ...{ ...base, request: app.request, publicUrl: app.publicUrl, onError: app.onError },
        settings: kind === "twilio" ? parseTwilioSettings(settings) : parseHttpSettings(settings),
      });
  }
}

/** What the connector will say of itself where it runs. */
export function carriesMedia(
  { seal }: { readonly seal: Pick<Seal, "open"> },
  { kind, sealedSettings }: ConnectorRow,
): boolean {
  if (kind === "twilio") return true;
  if (kind !== "http") return false;
  return takesMedia(parseHttpSettings(JSON.parse(seal.open(sealedSettings))).definition);
}

/** A connector's settings, checked: what is to be kept of them, and what its kind stands for. */
export function readConnectorSettings(
  kind: Exclude<ConnectorKind, "simulator">,
  settings: unknown,
): { readonly kept: unknown; readonly optOutsUpstream: boolean } {
  switch (kind) {
    case "smpp":
      return { kept: parseSmppSettings(settings), optOutsUpstream: false };
    case "twilio":
      return {
        kept: settings,
        optOutsUpstream: parseTwilioSettings(settings).definition.answersOptOuts,
      };
    case "http":
      return {
        kept: settings,
        optOutsUpstream: parseHttpSettings(settings).definition.answersOptOuts,
      };
  }
}
