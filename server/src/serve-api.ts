import { connectorCalls } from "./api/connector-calls.ts";
import type { FormValues } from "./api/form.ts";
import { readBulkMessage } from "./api/longwave-v1/bulk-message.ts";
import { longwaveReference, longwaveV1 } from "./api/longwave-v1/longwave-v1.ts";
import { createApi } from "./api/server.ts";
import type { Closers } from "./app.ts";
import { localUrl } from "./config.ts";
import type { TraceQuery } from "./connectors/connector.ts";
import { readConnectorSettings } from "./connectors/connector-pool.ts";
import { connectorStates } from "./connectors/connector-states.ts";
import { StartError } from "./lib/errors.ts";
import {
  cancelMessage,
  deleteMedia,
  deleteMessage,
  recordFeedback,
  redactMessage,
} from "./messages/change.ts";
import type { Message } from "./messages/message.ts";
import { findMessage, findReserved, listMessages } from "./messages/store.ts";
import { type Messaging, tellLaneOwners } from "./messaging.ts";
import type { Base } from "./open-base.ts";

/** Listens for requests; gives the port. */
export async function serveApi(
  base: Base,
  messaging: Messaging,
  closers: Closers,
): Promise<number> {
  const { config } = base;
  const needs = apiNeeds(base, messaging);
  const api = createApi(needs);
  await api.register(longwaveV1(needs));
  await api.register(longwaveReference(needs));
  await api.register(connectorCalls(callNeeds(base, messaging)));
  await api.listen({ port: config.port, host: config.host }).catch((error: unknown) => {
    throw portError(error, "PORT", config.port);
  });
  closers.push(() => api.close());
  const listening = api.server.address();
  return typeof listening === "object" && listening !== null ? listening.port : config.port;
}

/** A carrier's call is taken by any process that serves the API, also where another one sends. */
function callNeeds({ reached }: Base, { dispatching, called }: Messaging) {
  return {
    connectors: (dispatching ?? called)?.connectors.byName ?? new Map(),
    publicUrl: () => reached.url,
  };
}

function apiNeeds(base: Base, { accepter, dispatching, changes }: Messaging) {
  const { config, sql, hot, owner, clock, newId, seal, messageSids } = base;
  const { accountBook, ruleBook, priceBook, networkBook, capBook } = base;
  // Which rules hold for an account depends on its senders, too.
  const senderBook = { ...base.senderBook, refresh: base.refreshBooks };
  const app = { sql, clock, changes };
  return {
    ...{ sql, clock, newId, seal, messageSids, version: base.version },
    ...{ accountBook, senderBook, ruleBook, priceBook, networkBook, capBook },
    mayCarryMedia: base.mayCarryMedia,
    publicUrl: config.publicUrl ?? localUrl(config.host, config.port),
    configuredUrl: config.publicUrl,
    ...{ trustProxy: config.trustProxy, reportBug: base.report, readConnectorSettings },
    messages: {
      accept: accepter.accept,
      find: (key: Parameters<typeof findMessage>[1]) => findMessage(hot, key),
      findReserved: (key: Parameters<typeof findReserved>[1]) => findReserved(hot, key),
      list: ({ sentAfter, ...filter }: { sentAfter?: Date } & Parameters<typeof listMessages>[1]) =>
        listMessages(hot, {
          ...filter,
          ...(sentAfter === undefined ? {} : { sentFrom: sentAfter }),
        }),
      cancel: (message: Message) => cancelMessage(app, message),
      redact: (message: Message) => redactMessage(app, message),
      remove: (message: Message) => deleteMessage(app, message),
      deleteMedia: (message: Message, place: number) => deleteMedia(app, message, place),
      recordFeedback: (message: Message, outcome: "confirmed" | "unconfirmed") =>
        recordFeedback(app, message, outcome),
    },
    ...{ acceptBulk: accepter.acceptBulk, changes },
    connectorTrace: (name: string, query: TraceQuery) =>
      dispatching?.connectors.byName.get(name)?.trace?.(query),
    tellOwners: () => tellLaneOwners(base),
    connectorStates: () =>
      connectorStates({ sql, owner, connectors: dispatching?.connectors.byName ?? new Map() }),
    throttledTo: (name: string) => dispatching?.limiters.throttleOf(name).segmentsPerSecond(),
    readNewMessage: (account: { id: number }, values: FormValues) =>
      readBulkMessage(base, account, values),
  };
}

/** A port that cannot be had, told with the setting that names it. */
export function portError(error: unknown, name: string, port: number): unknown {
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
