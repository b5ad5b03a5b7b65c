import type { Closers } from "./app.ts";
import { buildCarriers } from "./carriers.ts";
import { createHerald, listen, notify } from "./db/channel.ts";
import { buildDispatching } from "./dispatching.ts";
import { spreadOver } from "./events/log.ts";
import { ApiError } from "./lib/errors.ts";
import { shardOf } from "./lib/message-id.ts";
import { createAccepter } from "./messages/accept.ts";
import type { AcceptedRow } from "./messages/accept-store.ts";
import type { NewMessage } from "./messages/decide-message.ts";
import { createInboundAnswers } from "./messages/inbound-answers.ts";
import { MEDIA_NOT_CARRIED, mediaToSend } from "./messages/media.ts";
import { findMessage } from "./messages/store.ts";
import type { Base } from "./open-base.ts";
import { inboundNumber, serviceOf, webhooksOf } from "./senders/inbound-number.ts";
import { createWebhooks, type Webhooks } from "./webhooks/webhooks.ts";

/** A word here is a list of shards: messages were stored whose owner is another process. */
const LANES_CHANNEL = "longwave_lanes";
/** On that channel: lanes were paused or resumed. */
const SWEEP = "sweep";
/** A word here says that there is something new in the event log. */
const EVENTS_CHANNEL = "longwave_events";
/** Events of so many milliseconds are told to other processes at once. */
const EVENTS_HERALD_MS = 50;
/** Phones' texts stored at once; each is a transaction of its own on one of the pool's connections. */
const INBOUND_WRITER_COUNT = 4;

/**
 * A message's way, as far as this process goes it: accept always, for replies are accepted by
 * whoever hears of them; dispatch and webhooks by role. Who serves the API is called by carriers, so
 * it has the connectors for that. Other processes hear the rest by NOTIFY.
 */
export type Messaging = ReturnType<typeof buildMessaging>;

export function buildMessaging(base: Base, closers: Closers) {
  const { sql, hot, clock, newId, newWriter, senderBook, connectorBook, report, config } = base;
  const accept = (message: NewMessage) => accepter.accept(message);
  const webhooks = config.roles.has("webhooks") ? buildWebhooks(base, accept) : undefined;
  if (webhooks !== undefined) closers.push(webhooks.close);
  const onEvents = tellReaders(webhooks, heraldEvents(base, closers));
  const answers = createInboundAnswers({ sql, clock, onError: report });
  closers.push(answers.close);
  const inbound = {
    ...{ sql, clock, newId, answers, accept, onReceived: onEvents },
    numberOf: (number: string) => {
      const texted = inboundNumber(senderBook, number);
      const keywordSets = base.ruleBook.current().keywordSets.get(texted?.service ?? "") ?? [];
      return texted && { ...texted, keywordSets };
    },
    writers: Array.from({ length: INBOUND_WRITER_COUNT }, newWriter),
  };
  const dispatching = config.roles.has("dispatch")
    ? buildDispatching(base, { inbound, onEvents }, closers)
    : undefined;
  const called =
    dispatching === undefined && config.roles.has("api")
      ? buildCarriers(base, { inbound, onEvents, onReady: () => {}, onlyCalled: true }, closers)
      : undefined;
  const offer = dispatching?.dispatcher.offer ?? shardsOf;
  // While one bulk's slice is stored, another's is on its way.
  const bulkWriter = spreadOver([newWriter(), newWriter()]);
  const accepter = createAccepter({
    ...{ hot, bulk: base.bulk, clock, newId, writers: { single: newWriter(), bulk: bulkWriter } },
    isSimulated: connectorBook.isSimulated,
    judge: base.judges.accepted,
    direct: dispatching?.dispatcher.direct,
    defaultPriorityOf: (account) => base.accountBook.byId(account)?.defaultPriority,
    onStored: (rows) => {
      const others = offer(rows);
      if (others.length > 0) notify(sql, LANES_CHANNEL, others.join(",")).catch(report);
    },
  });
  return { webhooks, dispatching, called, accepter, inbound, changes: newWriter() };
}

/** Hears what other processes say about messages and events. */
export async function hearOthers(
  { address }: Base,
  { dispatching, webhooks }: Messaging,
  closers: Closers,
): Promise<void> {
  const channel = await listen(address, {
    ...(dispatching && {
      [LANES_CHANNEL]: (words: string) => {
        if (words === SWEEP) dispatching.dispatcher.sweep();
        else dispatching.dispatcher.hint(words.split(",").map(Number));
      },
    }),
    ...(webhooks && { [EVENTS_CHANNEL]: webhooks.notify }),
  });
  closers.push(channel.close);
}

/** Tells the owners of lanes that some were paused or go on. */
export async function tellLaneOwners({ sql }: Pick<Base, "sql">): Promise<void> {
  await notify(sql, LANES_CHANNEL, SWEEP);
}

/** Statuses are told by those who have the role, here or elsewhere. */
function tellReaders(webhooks: Webhooks | undefined, herald: () => void): () => void {
  if (webhooks === undefined) return herald;
  return () => {
    webhooks.notify();
    if (webhooks.isShared()) herald();
  };
}

function heraldEvents({ sql, report }: Base, closers: Closers): () => void {
  const herald = createHerald({
    ...{ sql, channel: EVENTS_CHANNEL, everyMs: EVENTS_HERALD_MS, onError: report },
  });
  closers.push(herald.close);
  return herald.tell;
}

function shardsOf(rows: readonly AcceptedRow[]): number[] {
  return [...new Set(rows.map((row) => shardOf(row.id)))];
}

function buildWebhooks(base: Base, accept: (message: NewMessage) => Promise<unknown>) {
  const { hot, clock, newId, seal, dialer, messageSids, accountBook, senderBook } = base;
  const { mayCarryMedia } = base;
  return createWebhooks({
    ...{ sql: hot, clock, newId, sids: messageSids, seal, dialer },
    accountToken: (id) => accountBook.token(id) ?? "",
    accountSid: (id) => accountBook.byId(id)?.sid ?? "",
    senderOf: (number, account) => {
      const sender = senderBook.find(account, number);
      return sender && webhooksOf(sender, serviceOf(senderBook, sender));
    },
    findMessage: (account, id) => findMessage(hot, { account, id }),
    reply: async (reply) => {
      const sender = senderBook.find(reply.account, reply.sender);
      if (sender === undefined) return;
      const { id, account, recipient, body, statusCallback } = reply;
      const media = mediaToSend(reply.mediaUrls);
      if (media !== undefined && !mayCarryMedia(sender)) {
        throw new ApiError(400, MEDIA_NOT_CARRIED, "The sender cannot send media.");
      }
      await accept({
        ...{ id, account, sender, recipient, body, direction: "outbound-reply" },
        ...(statusCallback === undefined ? {} : { statusCallback }),
        media,
      });
    },
  });
}
