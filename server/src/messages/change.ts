import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { Clock } from "../lib/clock.ts";
import { ApiError, notFound } from "../lib/errors.ts";
import { finalStatuses, type Message } from "./message.ts";
import {
  cancelQueued,
  clearBody,
  deleteMessageRows,
  type Feedback,
  findMessage,
  upsertFeedback,
} from "./store.ts";

type Needs = { readonly sql: Sql; readonly clock: Clock; readonly changes: EventWriter };

/** Takes back a message that has not left. 30409 when it has. */
export async function cancelMessage(app: Needs, message: Message): Promise<Message> {
  const isCanceled = await app.changes.commit(1, (stamp) => cancelQueued(app.sql, message, stamp));
  const now = await findMessage(app.sql, message);
  if (now === undefined) throw notFound("The message");
  if (isCanceled) return now;
  throw new ApiError(
    409,
    30409,
    `The message is ${now.status} and cannot be canceled any more. Only messages that wait can.`,
  );
}

/** Empties the body for good. 20009 while the message is on its way: its body is still needed. */
export async function redactMessage(app: Needs, message: Message): Promise<Message> {
  refuseUnfinished(message, "redacted");
  await clearBody(app.sql, message.id);
  return { ...message, body: "" };
}

/** 20009 while the message is on its way. */
export async function deleteMessage(app: Needs, message: Message): Promise<void> {
  refuseUnfinished(message, "deleted");
  await deleteMessageRows(app.sql, message.id);
}

export function recordFeedback(
  app: Needs,
  message: Message,
  outcome: Feedback["outcome"],
): Promise<Feedback> {
  const { account, id } = message;
  return upsertFeedback(app.sql, { account, id, outcome, at: app.clock() });
}

function refuseUnfinished(message: Message, what: string): void {
  if (finalStatuses.has(message.status) || message.status === "sent") return;
  throw new ApiError(
    409,
    20009,
    `The message is ${message.status} and cannot be ${what} before it is finished. Cancel it, or wait.`,
  );
}
