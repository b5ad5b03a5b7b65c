import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { Clock } from "../lib/clock.ts";
import { ApiError, notFound } from "../lib/errors.ts";
import { finalStatuses, type Message, type MessageStatus } from "./message.ts";
import {
  cancelWaiting,
  clearBody,
  clearMedia,
  deleteMessageRows,
  type Feedback,
  findMessage,
  upsertFeedback,
} from "./store.ts";

type Needs = { readonly sql: Sql; readonly clock: Clock; readonly changes: EventWriter };

/** A message may be moving between the queue and what waits for an instant: then it is in neither. */
const CANCEL_TRIES_MAX = 3;
const waitingStatuses: ReadonlySet<MessageStatus> = new Set(["accepted", "queued", "scheduled"]);

/** Takes back a message that has not left. 30409 when it has. */
export async function cancelMessage(app: Needs, message: Message, tries = 1): Promise<Message> {
  const isCanceled = await app.changes.commit(1, (stamp) => cancelWaiting(app.sql, message, stamp));
  const now = await findMessage(app.sql, message);
  if (now === undefined) throw notFound("The message");
  if (isCanceled) return now;
  if (waitingStatuses.has(now.status) && tries < CANCEL_TRIES_MAX) {
    return cancelMessage(app, message, tries + 1);
  }
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
  return { ...message, body: "", media: undefined };
}

/** Forgets where one of its media is. 20009 while the message is on its way. */
export async function deleteMedia(app: Needs, message: Message, place: number): Promise<void> {
  refuseUnfinished(message, "robbed of its media");
  await clearMedia(app.sql, message.id, place);
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
