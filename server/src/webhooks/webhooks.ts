import type { Sql } from "../db/sql.ts";
import { createEventReader } from "../events/reader.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import type { GuardedDialer } from "../lib/guarded-dialer.ts";
import type { Seal } from "../lib/seal.ts";
import type { MessageSids } from "../lib/sid.ts";
import { createAttemptLog } from "./attempt-log.ts";
import { createHosts } from "./hosts.ts";
import { type InboundNeeds, tellInbound } from "./inbound.ts";
import { createRetryQueue } from "./retry-queue.ts";
import { createSigners } from "./sign.ts";
import { retellStatus, tellStatuses } from "./status-callbacks.ts";
import { tellUsageTrigger } from "./usage-trigger.ts";

export type WebhookNeeds = Pick<
  InboundNeeds,
  "accountSid" | "senderOf" | "findMessage" | "newId" | "reply"
> & {
  sql: Sql;
  clock: Clock;
  sids: MessageSids;
  accountToken: (account: number) => string;
  seal: Pick<Seal, "keyFor">;
  dialer: Pick<GuardedDialer, "request">;
};

/** All calls to customers about messages: status callbacks, and inbound texts with their TwiML. */
export type Webhooks = {
  /** Events or inbound webhooks were committed in this process. */
  notify: () => void;
  /** Other processes tell some of the statuses. */
  isShared: () => boolean;
  state: () => {
    /** Of the statuses that are to be told. */
    shares: number;
    hosts: number;
    running: number;
    waiting: number;
    open: number;
    attemptsLost: number;
    lastError: string | undefined;
  };
  /** Resolves when the calls under way have ended; what they leave comes again after a start. */
  close: () => Promise<void>;
};

const READER = "status-callbacks";
const BATCH_MAX = 1_000;
const POLL_MS = SECOND;

export function createWebhooks(needs: WebhookNeeds): Webhooks {
  const hosts = createHosts(needs.clock);
  const attempts = createAttemptLog(needs.sql);
  const signers = createSigners(needs);
  const app = { ...needs, hosts, attempts, signers, random: Math.random };

  const retries = createRetryQueue({
    ...app,
    attempt: (row) => {
      if (row.kind === "usage") return tellUsageTrigger(app, row);
      return row.kind === "status" ? retellStatus(app, row) : tellInbound(app, row);
    },
  });
  const reader = createEventReader({
    sql: needs.sql,
    reader: READER,
    batchMax: BATCH_MAX,
    pollMs: POLL_MS,
    onBatch: (events) => tellStatuses(app, events, retries),
  });

  return {
    notify: () => {
      reader.notify();
      retries.notify();
    },
    isShared: () => reader.state().others > 0,
    state: () => ({
      ...hosts.state(),
      shares: reader.state().shares,
      attemptsLost: attempts.state().lost,
      lastError: reader.state().lastError ?? retries.state().lastError,
    }),
    close: async () => {
      await reader.close();
      await retries.close();
      await attempts.close();
    },
  };
}
