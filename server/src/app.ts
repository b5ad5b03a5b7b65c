import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { createAccountBook } from "./accounts/account-book.ts";
import { createParameters, findSender, readNewMessage } from "./api/2010-04-01/create-message.ts";
import { createForm } from "./api/form.ts";
import { longwaveReference, longwaveV1 } from "./api/longwave-v1/longwave-v1.ts";
import { createApi } from "./api/server.ts";
import { keepChores } from "./chores.ts";
import { type Config, loadSecretKey } from "./config.ts";
import { carrierKey } from "./connectors/carrier-key.ts";
import { createConnectorPool } from "./connectors/connector-pool.ts";
import { parseSmppSettings } from "./connectors/smpp/settings.ts";
import { upsertSimulator } from "./connectors/store.ts";
import { listen, notify } from "./db/channel.ts";
import { connectDatabase, connectDirect, type DatabaseAddress } from "./db/connect.ts";
import { migrate } from "./db/migrate.ts";
import { createPartitions, keepPartitions } from "./db/partitions.ts";
import { createEventWriter } from "./events/log.ts";
import { type FirstAccount, findFirstAccount, seedSimulatedNumbers } from "./first-start.ts";
import { type Clock, MINUTE, SECOND } from "./lib/clock.ts";
import { StartError } from "./lib/errors.ts";
import { createGuardedDialer } from "./lib/guarded-dialer.ts";
import { createIdWriter, WRITER_SLOT_COUNT } from "./lib/message-id.ts";
import { createSeal } from "./lib/seal.ts";
import { createMessageSids, newSid } from "./lib/sid.ts";
import { createAccepter } from "./messages/accept.ts";
import { cancelMessage, deleteMessage, recordFeedback, redactMessage } from "./messages/change.ts";
import { createDispatcher } from "./messages/dispatch.ts";
import { receiveText } from "./messages/inbound.ts";
import { createReceipts } from "./messages/receipts.ts";
import { findMessage, listMessages } from "./messages/store.ts";
import { chooseRoute } from "./routing/choose-route.ts";
import { createSenderBook } from "./senders/sender-book.ts";
import { type Simulator, simulatorLogin, startSimulator } from "./simulator/simulator.ts";
import { holdShards } from "./throughput/leases.ts";
import { extendLease, releaseLeases, takeOneLease } from "./throughput/store.ts";
import { createWebhooks } from "./webhooks/webhooks.ts";

export type App = {
  /** Where the API listens. */
  readonly url: string;
  readonly firstAccount: FirstAccount;
  readonly isFirstStart: boolean;
  readonly simulator: Simulator | undefined;
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
const SLOT_TTL_MS = 5 * MINUTE;
const SLOT_RENEW_MS = 30 * SECOND;
const CLOSE_MS_MAX = 10 * SECOND;
const SIMULATED_RECEIPT_MS = 500;

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

async function buildApp(
  { config, address, clock, version, report }: AppOptions,
  closers: (() => Promise<unknown>)[],
): Promise<Omit<App, "close">> {
  const direct = connectDirect(address);
  try {
    await migrate(direct, join(import.meta.dirname, "../migrations"));
    await createPartitions(direct, clock());
  } finally {
    await direct.end({ timeout: 1 });
  }
  const database = connectDatabase(address);
  closers.push(database.close);
  const { sql, hot } = database;
  const partitions = keepPartitions({
    sql,
    clock,
    retentionDays: config.retentionDays,
    onError: report,
  });
  closers.push(partitions.close);

  const seal = createSeal(loadSecretKey(config));
  const messageSids = createMessageSids(seal.keyFor("message sids"));
  const { account: firstAccount, isNew } = await findFirstAccount({ sql, seal, clock, config });

  const simulator = config.simulator
    ? await startSimulator({
        ...{ port: config.simulatorPort, httpPort: config.simulatorHttpPort, seed: 1, clock },
        receiptDelayMs: SIMULATED_RECEIPT_MS,
        stateFolder: join(config.dataDir, "simulator"),
      }).catch((error: unknown) => {
        const known = portError(error, "LONGWAVE_SIMULATOR_PORT", config.simulatorPort);
        throw portError(known, "LONGWAVE_SIMULATOR_HTTP_PORT", config.simulatorHttpPort);
      })
    : undefined;
  if (simulator !== undefined) {
    closers.push(simulator.close);
    const settings = { host: "127.0.0.1", port: simulator.port, ...simulatorLogin };
    await upsertSimulator(sql, seal.seal(JSON.stringify(settings)));
    await seedSimulatedNumbers({ sql, seal, clock, config }, firstAccount.id);
  }

  const accountBook = createAccountBook({ sql, seal, clock });
  const senderBook = createSenderBook({ sql });
  await Promise.all([accountBook.refresh(), senderBook.refresh()]);

  const owner = newSid("OW", clock());
  const slot = await takeOneLease(sql, {
    ...{ kind: "slot", count: WRITER_SLOT_COUNT, owner, ttlMs: SLOT_TTL_MS },
  });
  if (slot === undefined) {
    throw new StartError(
      `${WRITER_SLOT_COUNT} Longwave processes run on this database already. Stop one, or wait five minutes after a crash.`,
    );
  }
  const { retentionDays } = config;
  closers.push(keepChores({ sql, clock, owner, retentionDays, onError: report }).close);
  const slotTimer = setInterval(() => {
    extendLease(sql, { kind: "slot", number: slot, owner, ttlMs: SLOT_TTL_MS }).catch(report);
  }, SLOT_RENEW_MS);
  closers.push(async () => {
    clearInterval(slotTimer);
    await releaseLeases(sql, owner);
  });
  const newId = createIdWriter(slot, () => clock().getTime());
  const newWriter = () => {
    const writer = createEventWriter({ sql, owner });
    closers.push(writer.close);
    return writer;
  };

  const dialer = createGuardedDialer({ allow: config.allowPrivate });
  closers.push(dialer.close);
  const changes = newWriter();
  const messageApp = { sql, clock, changes };
  const webhooks = createWebhooks({
    ...{ sql: hot, clock, newId, sids: messageSids, seal, dialer },
    accountToken: (id) => accountBook.token(id) ?? "",
    accountSid: (id) => accountBook.byId(id)?.sid ?? "",
    senderOf: (number, account) => senderBook.find(account, number),
    findMessage: (account, id) => findMessage(hot, { account, id }),
    reply: async (reply) => {
      const sender = senderBook.find(reply.account, reply.sender);
      if (sender === undefined) return;
      const { id, account, recipient, body, statusCallback } = reply;
      await accepter.accept({
        ...{ id, account, sender, recipient, body, direction: "outbound-reply" },
        ...(statusCallback === undefined ? {} : { statusCallback }),
      });
    },
  });
  closers.push(webhooks.close);

  const receipts = createReceipts({
    ...{ hot, clock, writer: newWriter(), onSettled: webhooks.notify, onError: report },
  });
  closers.push(receipts.close);

  const inboundWriter = newWriter();
  const connectors = createConnectorPool({
    ...{ sql, seal, clock, connectSocket: dialer.connectSocket, connectLoopback },
    events: {
      onReady: () => dispatcher.wake(),
      onReceipt: (name, receipt) => {
        const account = connectors.byName.get(name)?.carrierAccount ?? name;
        return receipts.record(account, carrierKey(receipt.carrierMessageId), receipt);
      },
      onInbound: async (name, part) => {
        const connector = connectors.byName.get(name);
        if (connector === undefined) throw new Error("The connector is closing.");
        await receiveText(inboundApp, connector, part);
      },
    },
  });
  const inboundApp = {
    ...{ sql, clock, newId, writer: inboundWriter, numberOf: senderBook.byNumber },
    accept: (message: Parameters<typeof accepter.accept>[0]) => accepter.accept(message),
    onReceived: webhooks.notify,
  };

  const dispatcher = createDispatcher({
    ...{ hot, clock, owner, carrierKey, onError: report },
    onRecorded: () => {
      receipts.notify();
      webhooks.notify();
    },
    epochOf: (shard) => leases?.epochOf(shard),
    writers: { claims: newWriter(), departures: newWriter() },
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
  await connectors.refresh();
  // A bind is left before its answers are recorded, and they before the leases are given back.
  closers.push(connectors.close);
  let leases: Awaited<ReturnType<typeof holdShards>> | undefined;
  const gained: (() => void)[] = [];
  leases = await holdShards({
    ...{ sql, owner, now: () => clock().getTime(), onError: report },
    onGained: (shards, notBefore) => {
      if (leases === undefined) gained.push(() => dispatcher.gain(shards, notBefore));
      else dispatcher.gain(shards, notBefore);
    },
    onLeaving: (shards) => dispatcher.leave(shards),
    onConfiguration: async () => {
      await Promise.all([accountBook.refresh(), senderBook.refresh(), connectors.refresh()]);
      dispatcher.wake();
    },
  });
  closers.push(leases.close, dispatcher.close);
  for (const gain of gained) gain();
  const channel = await listen(address, LANES_CHANNEL, (words) => {
    dispatcher.hint(words.split(",").map(Number));
  });
  closers.push(channel.close);

  const url = config.publicUrl ?? `http://${config.host}:${config.port}`;
  const apiNeeds = {
    ...{ sql, clock, newId, seal, accountBook, senderBook, messageSids, version },
    ...{ publicUrl: url, trustProxy: config.trustProxy, reportBug: report, parseSmppSettings },
    messages: {
      accept: accepter.accept,
      find: (key: Parameters<typeof findMessage>[1]) => findMessage(hot, key),
      list: ({ sentAfter, ...filter }: { sentAfter?: Date } & Parameters<typeof listMessages>[1]) =>
        listMessages(hot, {
          ...filter,
          ...(sentAfter === undefined ? {} : { sentFrom: sentAfter }),
        }),
      cancel: (message: Parameters<typeof cancelMessage>[1]) => cancelMessage(messageApp, message),
      redact: (message: Parameters<typeof redactMessage>[1]) => redactMessage(messageApp, message),
      remove: (message: Parameters<typeof deleteMessage>[1]) => deleteMessage(messageApp, message),
      recordFeedback: (
        message: Parameters<typeof recordFeedback>[1],
        outcome: "confirmed" | "unconfirmed",
      ) => recordFeedback(messageApp, message, outcome),
    },
    acceptBulk: accepter.acceptBulk,
    connectorState: (name: string) => connectors.byName.get(name)?.state(),
    readNewMessage: (account: { id: number }, parameters: Readonly<Record<string, unknown>>) => {
      const pairs = new URLSearchParams(
        Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const request = {
        ...{ account, caller: account, params: {}, path: "" },
        form: createForm(pairs, createParameters),
      } as Parameters<typeof readNewMessage>[0];
      const { to, from, body, options } = readNewMessage(request);
      const sender = findSender({ senderBook }, account.id, from, request);
      return {
        ...{ account: account.id, sender, recipient: to, body, ...options },
        direction: "outbound-api" as const,
      };
    },
  };
  const api = createApi(apiNeeds);
  await api.register(longwaveV1(apiNeeds));
  await api.register(longwaveReference(apiNeeds));
  await api.listen({ port: config.port, host: config.host }).catch((error: unknown) => {
    throw portError(error, "PORT", config.port);
  });
  closers.push(accepter.close, () => api.close());
  const listening = api.server.address();
  const port = typeof listening === "object" && listening !== null ? listening.port : config.port;
  return {
    url: config.publicUrl ?? `http://${config.host}:${port}`,
    ...{ firstAccount, isFirstStart: isNew, simulator },
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
