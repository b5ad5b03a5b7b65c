import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { createAccountBook } from "./accounts/account-book.ts";
import { readBulkMessage } from "./api/longwave-v1/bulk-message.ts";
import { longwaveReference, longwaveV1 } from "./api/longwave-v1/longwave-v1.ts";
import { createApi } from "./api/server.ts";
import { keepChores } from "./chores.ts";
import { allowed } from "./compliance/verdict.ts";
import { type Config, loadSecretKey } from "./config.ts";
import { carrierKey } from "./connectors/carrier-key.ts";
import { createConnectorPool } from "./connectors/connector-pool.ts";
import { parseSmppSettings } from "./connectors/smpp/settings.ts";
import { upsertSimulator } from "./connectors/store.ts";
import { listen, notify } from "./db/channel.ts";
import { connectDatabase, connectDirect, type DatabaseAddress } from "./db/connect.ts";
import { migrate } from "./db/migrate.ts";
import { createPartitions, keepPartitions } from "./db/partitions.ts";
import type { Sql } from "./db/sql.ts";
import { createEventWriter } from "./events/log.ts";
import { type FirstAccount, findFirstAccount, seedSimulatedNumbers } from "./first-start.ts";
import { type Clock, MINUTE, SECOND } from "./lib/clock.ts";
import { StartError } from "./lib/errors.ts";
import { createGuardedDialer } from "./lib/guarded-dialer.ts";
import { createIdWriter, type IdWriter, WRITER_SLOT_COUNT } from "./lib/message-id.ts";
import { createSeal } from "./lib/seal.ts";
import { createMessageSids, newSid } from "./lib/sid.ts";
import { createAccepter, type NewMessage } from "./messages/accept.ts";
import { cancelMessage, deleteMessage, recordFeedback, redactMessage } from "./messages/change.ts";
import { createDispatcher } from "./messages/dispatch.ts";
import { holdAfterRestore } from "./messages/held-store.ts";
import { endWaiting, receiveText } from "./messages/inbound.ts";
import { createInboundAnswers } from "./messages/inbound-answers.ts";
import type { Message } from "./messages/message.ts";
import { createReceipts } from "./messages/receipts.ts";
import { findMessage, listMessages } from "./messages/store.ts";
import { chooseRoute } from "./routing/choose-route.ts";
import { createSenderBook } from "./senders/sender-book.ts";
import { type Simulator, simulatorLogin, startSimulator } from "./simulator/simulator.ts";
import { holdShards, type ShardLeases } from "./throughput/leases.ts";
import { extendLease, releaseLeases, takeOneLease } from "./throughput/store.ts";
import { createWebhooks } from "./webhooks/webhooks.ts";

export type App = {
  /** Where the API listens. */
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

const LANES_CHANNEL = "longwave_lanes";
/** On that channel: lanes were paused or resumed. Else it names shards with new messages. */
const SWEEP = "sweep";
const SLOT_TTL_MS = 5 * MINUTE;
const SLOT_RENEW_MS = 30 * SECOND;
const CLOSE_MS_MAX = 10 * SECOND;
const SIMULATED_RECEIPT_MS = 500;
/** Phones' texts stored at once; each is a transaction of its own on one of the pool's connections. */
const INBOUND_WRITER_COUNT = 4;

/** Builds everything in order and closes it in reverse. */
export async function startApp(options: AppOptions): Promise<App> {
  const closers: (() => Promise<unknown>)[] = [];
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

type Closers = (() => Promise<unknown>)[];

async function buildApp(options: AppOptions, closers: Closers): Promise<Omit<App, "close">> {
  const base = await openBase(options, closers);
  const simulator = await openSimulator(base, closers);
  await Promise.all([base.accountBook.refresh(), base.senderBook.refresh()]);
  const messaging = buildMessaging(base, closers);
  await startDispatch(base, messaging, closers);
  startChores(base, messaging, closers);
  const port = await startApi(base, messaging, closers);
  const { config, firstAccount, isFirstStart, heldCount } = base;
  const url = config.publicUrl ?? `http://${config.host}:${port}`;
  return { url, firstAccount, isFirstStart, simulator, heldCount };
}

type Base = Awaited<ReturnType<typeof openBase>>;

/** The database and what everything stands on. */
async function openBase(options: AppOptions, closers: Closers) {
  const { config, address, clock, report } = options;
  const direct = connectDirect(address);
  let heldCount = 0;
  try {
    await migrate(direct, join(import.meta.dirname, "../migrations"));
    await createPartitions(direct, clock());
    heldCount = await holdAfterRestore(direct);
  } finally {
    await direct.end({ timeout: 1 });
  }
  const { sql, hot, close } = connectDatabase(address);
  closers.push(close);
  const { retentionDays } = config;
  closers.push(keepPartitions({ sql, clock, retentionDays, onError: report }).close);
  const owner = newSid("OW", clock());

  const seal = createSeal(loadSecretKey(config));
  const { account: firstAccount, isNew } = await findFirstAccount({ sql, seal, clock, config });
  const newId = await takeSlot({ ...options, sql, owner }, closers);
  const dialer = createGuardedDialer({ allow: config.allowPrivate });
  closers.push(dialer.close);
  return {
    ...{
      ...options,
      sql,
      hot,
      owner,
      seal,
      newId,
      dialer,
      firstAccount,
      isFirstStart: isNew,
      heldCount,
    },
    messageSids: createMessageSids(seal.keyFor("message sids")),
    accountBook: createAccountBook({ sql, seal, clock }),
    senderBook: createSenderBook({ sql }),
    newWriter: () => {
      const writer = createEventWriter({ sql, owner });
      closers.push(writer.close);
      return writer;
    },
  };
}

/** The right to make ids: one writer slot, which ends with the lease that it could not renew. */
async function takeSlot(
  app: Pick<AppOptions, "clock" | "report"> & { sql: Sql; owner: string },
  closers: Closers,
): Promise<IdWriter> {
  const { sql, owner, clock, report } = app;
  const lease = { kind: "slot", owner, ttlMs: SLOT_TTL_MS };
  const slot = await takeOneLease(sql, { ...lease, count: WRITER_SLOT_COUNT });
  if (slot === undefined) {
    throw new StartError(
      `${WRITER_SLOT_COUNT} Longwave processes run on this database already. Stop one, or wait five minutes after a crash.`,
    );
  }
  let isOurs = true;
  const renew = async () => {
    isOurs = await extendLease(sql, { ...lease, number: slot });
  };
  const timer = setInterval(() => void renew().catch(report), SLOT_RENEW_MS);
  closers.push(async () => {
    clearInterval(timer);
    await releaseLeases(sql, owner);
  });
  const newId = createIdWriter(slot, () => clock().getTime());
  return (shard, count) => {
    if (!isOurs) throw new Error("Another process has this one's writer slot. Restart it.");
    return newId(shard, count);
  };
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

type Messaging = ReturnType<typeof buildMessaging>;

/** A message's way: accept, dispatch, connectors, receipts, texts from phones, webhooks. */
function buildMessaging(base: Base, closers: Closers) {
  const { sql, hot, clock, owner, seal, newId, newWriter, senderBook, dialer, report } = base;
  const webhooks = buildWebhooks(base, (message) => accepter.accept(message));
  closers.push(webhooks.close);
  const receipts = createReceipts({
    ...{ hot, clock, writer: newWriter(), onSettled: webhooks.notify, onError: report },
  });
  closers.push(receipts.close);
  const answers = createInboundAnswers({ sql, clock, onError: report });
  closers.push(answers.close);
  const connectors = createConnectorPool({
    ...{ sql, seal, clock, connectSocket: dialer.connectSocket, connectLoopback },
    events: {
      onReady: () => dispatcher.wake(),
      onReceipt: (name, receipt) => {
        const account = connectors.byName.get(name)?.carrierAccount ?? name;
        return receipts.record(account, carrierKey(receipt.carrierMessageId), receipt);
      },
      onInbound: async (name, part, bind) => {
        const connector = connectors.byName.get(name);
        if (connector === undefined) throw new Error("The connector is closing.");
        return receiveText(inbound, { carrier: connector, bind }, part);
      },
    },
  });
  const inbound = {
    ...{ sql, clock, newId, numberOf: senderBook.byNumber, answers },
    writers: Array.from({ length: INBOUND_WRITER_COUNT }, newWriter),
    accept: (message: NewMessage) => accepter.accept(message),
    onReceived: webhooks.notify,
  };
  const ownership: { epochOf: ShardLeases["epochOf"] } = { epochOf: () => undefined };
  const dispatcher = createDispatcher({
    ...{ hot, clock, owner, carrierKey, onError: report },
    onRecorded: () => {
      receipts.notify();
      webhooks.notify();
    },
    epochOf: (shard) => ownership.epochOf(shard),
    writers: { claims: newWriter(), departures: newWriter(), deferrals: newWriter() },
    judge: () => allowed,
    routeOf: (lane) => {
      const sender = senderBook.find(lane.account, lane.sender);
      const connector = sender && chooseRoute(sender, connectors.byName);
      if (sender === undefined || connector === undefined) return undefined;
      return { segmentsPerSecond: sender.segmentsPerSecond, connector };
    },
  });
  const accepter = createAccepter({
    ...{ hot, clock, newId, writers: { single: newWriter(), bulk: newWriter() } },
    isSimulated: (name) => connectors.byName.get(name)?.isSimulated ?? false,
    onStored: (rows) => {
      const others = dispatcher.offer(rows);
      if (others.length > 0) notify(sql, LANES_CHANNEL, others.join(",")).catch(report);
    },
  });
  return { webhooks, connectors, dispatcher, accepter, inbound, ownership, changes: newWriter() };
}

function buildWebhooks(base: Base, accept: (message: NewMessage) => Promise<unknown>) {
  const { hot, clock, newId, seal, dialer, messageSids, accountBook, senderBook } = base;
  return createWebhooks({
    ...{ sql: hot, clock, newId, sids: messageSids, seal, dialer },
    accountToken: (id) => accountBook.token(id) ?? "",
    accountSid: (id) => accountBook.byId(id)?.sid ?? "",
    senderOf: (number, account) => senderBook.find(account, number),
    findMessage: (account, id) => findMessage(hot, { account, id }),
    reply: async (reply) => {
      const sender = senderBook.find(reply.account, reply.sender);
      if (sender === undefined) return;
      const { id, account, recipient, body, statusCallback } = reply;
      await accept({
        ...{ id, account, sender, recipient, body, direction: "outbound-reply" },
        ...(statusCallback === undefined ? {} : { statusCallback }),
      });
    },
  });
}

/** Binds to the carriers and takes shards to send for. */
async function startDispatch(base: Base, messaging: Messaging, closers: Closers): Promise<void> {
  const { sql, address, owner, clock, accountBook, senderBook, report } = base;
  const { connectors, dispatcher, ownership } = messaging;
  await connectors.refresh();
  // A bind is left before its answers are recorded, and they before the leases are given back.
  closers.push(connectors.close);
  let isHeld = false;
  const gained: (() => void)[] = [];
  const leases = await holdShards({
    ...{ sql, owner, now: () => clock().getTime(), onError: report },
    onGained: (shards, notBefore) => {
      if (isHeld) dispatcher.gain(shards, notBefore);
      else gained.push(() => dispatcher.gain(shards, notBefore));
    },
    onLeaving: (shards) => dispatcher.leave(shards),
    onConfiguration: async () => {
      await Promise.all([accountBook.refresh(), senderBook.refresh(), connectors.refresh()]);
      dispatcher.wake();
    },
  });
  ownership.epochOf = leases.epochOf;
  isHeld = true;
  closers.push(leases.close, dispatcher.close);
  for (const gain of gained) gain();
  const channel = await listen(address, LANES_CHANNEL, (words) => {
    if (words === SWEEP) dispatcher.sweep();
    else dispatcher.hint(words.split(",").map(Number));
  });
  closers.push(channel.close);
}

/** The hourly work on tables, and on texts whose other parts do not come. */
function startChores(base: Base, { connectors, inbound }: Messaging, closers: Closers): void {
  const { sql, clock, owner, config, report } = base;
  const carrierOf = (carrierAccount: string) =>
    [...connectors.byName.values()].find((one) => one.carrierAccount === carrierAccount) ?? {
      ...{ carrierAccount, isSimulated: false, optOutsUpstream: false },
    };
  const chores = keepChores({
    ...{ sql, clock, owner, retentionDays: config.retentionDays, onError: report },
    endWaiting: () => endWaiting(inbound, carrierOf),
  });
  closers.push(chores.close);
}

/** Listens for requests; gives the port. */
async function startApi(base: Base, messaging: Messaging, closers: Closers): Promise<number> {
  const { config } = base;
  const { accepter } = messaging;
  const needs = apiNeeds(base, messaging);
  const api = createApi(needs);
  await api.register(longwaveV1(needs));
  await api.register(longwaveReference(needs));
  await api.listen({ port: config.port, host: config.host }).catch((error: unknown) => {
    throw portError(error, "PORT", config.port);
  });
  closers.push(accepter.close, () => api.close());
  const listening = api.server.address();
  return typeof listening === "object" && listening !== null ? listening.port : config.port;
}

function apiNeeds(base: Base, { accepter, connectors, changes }: Messaging) {
  const { config, sql, hot, clock, newId, seal, accountBook, senderBook, messageSids } = base;
  const app = { sql, clock, changes };
  return {
    ...{ sql, clock, newId, seal, accountBook, senderBook, messageSids, version: base.version },
    publicUrl: config.publicUrl ?? `http://${config.host}:${config.port}`,
    ...{ trustProxy: config.trustProxy, reportBug: base.report, parseSmppSettings },
    messages: {
      accept: accepter.accept,
      find: (key: Parameters<typeof findMessage>[1]) => findMessage(hot, key),
      list: ({ sentAfter, ...filter }: { sentAfter?: Date } & Parameters<typeof listMessages>[1]) =>
        listMessages(hot, {
          ...filter,
          ...(sentAfter === undefined ? {} : { sentFrom: sentAfter }),
        }),
      cancel: (message: Message) => cancelMessage(app, message),
      redact: (message: Message) => redactMessage(app, message),
      remove: (message: Message) => deleteMessage(app, message),
      recordFeedback: (message: Message, outcome: "confirmed" | "unconfirmed") =>
        recordFeedback(app, message, outcome),
    },
    ...{ acceptBulk: accepter.acceptBulk, changes },
    connectorState: (name: string) => connectors.byName.get(name)?.state(),
    readNewMessage: (account: { id: number }, parameters: Readonly<Record<string, unknown>>) =>
      readBulkMessage(base, account, parameters),
  };
}

function connectLoopback(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port }, () => resolve(socket));
    socket.once("error", reject);
  });
}

function portError(error: unknown, name: string, port: number): unknown {
  if (!(error instanceof Error && "code" in error)) return error;
  if ("port" in error && error.port !== port) return error;
  switch (error.code) {
    case "EADDRINUSE":
      return new StartError(
        `Port ${port} is in use. Stop what uses it, or set ${name} to another.`,
      );
    case "EACCES":
      return new StartError(`This user may not listen on port ${port}. Set ${name} above 1023.`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new StartError("HOST is no address of this machine. Set HOST to one, or to 0.0.0.0.");
    default:
      return error;
  }
}

/** A far end that does not answer must not keep the process. */
function withinBound(work: Promise<void>): Promise<void> {
  return Promise.race([work, new Promise<void>((done) => setTimeout(done, CLOSE_MS_MAX).unref())]);
}
