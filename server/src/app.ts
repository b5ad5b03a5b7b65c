import { join } from "node:path";
import type { Carriers } from "./carriers.ts";
import { keepChores } from "./chores.ts";
import { type Config, localUrl } from "./config.ts";
import { upsertSimulator } from "./connectors/store.ts";
import type { DatabaseAddress } from "./db/connect.ts";
import { startDispatching } from "./dispatching.ts";
import { type FirstAccount, seedSimulatedNumbers } from "./first-start.ts";
import { type Clock, SECOND } from "./lib/clock.ts";
import { endWaiting } from "./messages/inbound.ts";
import { endUnreceipted } from "./messages/missing-receipts.ts";
import { buildMessaging, hearOthers, type Messaging } from "./messaging.ts";
import { type Base, openBase } from "./open-base.ts";
import { portError, serveApi } from "./serve-api.ts";
import { type Simulator, simulatorLogin, startSimulator } from "./simulator/simulator.ts";
import { watchConfiguration } from "./throughput/configuration.ts";
import { keepUsage } from "./usage/keep-usage.ts";

export type App = {
  /** Where the API listens: here, or in the process that has the role. */
  readonly url: string;
  readonly firstAccount: FirstAccount;
  readonly isFirstStart: boolean;
  readonly simulator: Simulator | undefined;
  /** Messages that wait and are held because the database is a restored backup, found at this start. */
  readonly heldCount: number;
  readonly close: () => Promise<void>;
};

export type AppOptions = {
  readonly config: Config;
  readonly address: DatabaseAddress;
  readonly clock: Clock;
  readonly version: string;
  /** Errors that nobody waits for. Never bodies or whole numbers. */
  readonly report: (error: unknown) => void;
};

/** What is to be closed, in the order in which it was built. */
export type Closers = (() => Promise<unknown>)[];

const CLOSE_MS_MAX = 10 * SECOND;
const SIMULATED_RECEIPT_MS = 500;

/** Builds what the process's roles need, in order, and closes it in reverse. */
export async function startApp(options: AppOptions): Promise<App> {
  const closers: Closers = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer().catch(options.report);
  };
  try {
    return { ...(await buildApp(options, closers)), close: () => withinBound(close()) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function buildApp(options: AppOptions, closers: Closers): Promise<Omit<App, "close">> {
  const base = await openBase(options, closers);
  const simulator = await openSimulator(base, closers);
  await base.refreshBooks();
  const messaging = buildMessaging(base, closers);
  const { dispatching } = messaging;
  if (dispatching !== undefined) await startDispatching(base, dispatching, closers);
  else await followConfiguration(base, messaging.called, closers);
  await hearOthers(base, messaging, closers);
  startChores(base, messaging, closers);
  closers.push(keepUsage({ sql: base.sql, onError: base.report }).close);
  closers.push(messaging.accepter.close);
  const { config, firstAccount, isFirstStart, heldCount } = base;
  const port = config.roles.has("api") ? await serveApi(base, messaging, closers) : config.port;
  if (config.publicUrl === undefined) base.reached.url = localUrl(config.host, port);
  return { url: base.reached.url, firstAccount, isFirstStart, simulator, heldCount };
}

async function openSimulator(base: Base, closers: Closers): Promise<Simulator | undefined> {
  const { config, sql, seal, clock, firstAccount } = base;
  if (!config.simulator) return undefined;
  const simulator = await startSimulator({
    ...{ port: config.simulatorPort, httpPort: config.simulatorHttpPort, seed: 1, clock },
    receiptDelayMs: SIMULATED_RECEIPT_MS,
    stateFolder: join(config.dataDir, "simulator"),
  }).catch((error: unknown) => {
    const known = portError(error, "LONGWAVE_SIMULATOR_PORT", config.simulatorPort);
    throw portError(known, "LONGWAVE_SIMULATOR_HTTP_PORT", config.simulatorHttpPort);
  });
  closers.push(simulator.close);
  const settings = { host: "127.0.0.1", port: simulator.port, ...simulatorLogin };
  await upsertSimulator(sql, seal.seal(JSON.stringify(settings)));
  await seedSimulatedNumbers({ sql, seal, clock, config }, firstAccount.id);
  return simulator;
}

/** Where no heartbeat tells of the configuration, it is asked for as often. */
async function followConfiguration(
  { sql, refreshBooks, report }: Base,
  called: Carriers | undefined,
  closers: Closers,
): Promise<void> {
  await called?.connectors.refresh();
  if (called !== undefined) closers.push(called.connectors.close);
  const onChange = async () => {
    await Promise.all([refreshBooks(), called?.connectors.refresh()]);
  };
  closers.push(watchConfiguration({ sql, onChange, onError: report }).close);
}

/** The hourly work on tables, and on texts whose other parts do not come. */
function startChores(base: Base, { inbound, changes }: Messaging, closers: Closers): void {
  const { sql, clock, owner, config, connectorBook, report } = base;
  const carrierOf = (carrierAccount: string) => {
    const connector = connectorBook.ofCarrierAccount(carrierAccount);
    const isSimulated = connector?.kind === "simulator";
    return { carrierAccount, isSimulated, optOutsUpstream: connector?.optOutsUpstream ?? false };
  };
  const chores = keepChores({
    ...{ sql, clock, owner, retentionDays: config.retentionDays, onError: report },
    endWaiting: () => endWaiting(inbound, carrierOf),
    endUnreceipted: async () => {
      const { receiptHours } = config;
      if (receiptHours === undefined) return;
      const count = await endUnreceipted({ sql, clock, writer: changes }, receiptHours);
      if (count > 0) inbound.onReceived();
    },
  });
  closers.push(chores.close);
}

/** A far end that does not answer must not keep the process. */
function withinBound(work: Promise<void>): Promise<void> {
  return Promise.race([work, new Promise<void>((done) => setTimeout(done, CLOSE_MS_MAX).unref())]);
}
