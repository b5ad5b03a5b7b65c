import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { ApiError, notFound } from "../../lib/errors.ts";
import type { MessageSids } from "../../lib/sid.ts";
import { findMessage } from "../../messages/store.ts";
import type { SenderBook } from "../../senders/sender-book.ts";
import { inboundHost } from "../../webhooks/inbound.ts";
import { insertReplay } from "../../webhooks/store.ts";
import type { Call, Route } from "./route.ts";

export type ReplayNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly messageSids: MessageSids;
  readonly senderBook: Pick<SenderBook, "find">;
};

export function replayRoutes(app: ReplayNeeds): Route[] {
  return [
    {
      method: "POST",
      path: "/Messages/{sid}/Replay",
      id: "ReplayWebhook",
      summary: "Calling the webhook of an inbound message again, without running its TwiML",
      answer: { status: 204 },
      handle: (call) => replayWebhook(app, call),
    },
  ];
}

/** The call is made soon; what came of it stands in the message's timeline. */
async function replayWebhook(app: ReplayNeeds, { account, params }: Call): Promise<void> {
  const sid = params.sid ?? "";
  const id = app.messageSids.idOf(sid);
  const message =
    id === undefined ? undefined : await findMessage(app.sql, { account: account.id, id });
  if (message === undefined) throw notFound(`The message '${sid}'`);
  if (message.direction !== "inbound") {
    throw new ApiError(400, 20001, `The message ${sid} was sent, not received: it has no webhook.`);
  }
  const number = app.senderBook.find(account.id, message.recipient);
  if (number === undefined || number.smsUrl === "") {
    throw new ApiError(
      400,
      20001,
      `The number ${message.recipient} has no SmsUrl. Set one, then replay the message.`,
    );
  }
  const host = inboundHost(number);
  await insertReplay(app.sql, { account: account.id, id: message.id, host }, app.clock());
}
