import { notFound } from "../../lib/errors.ts";
import type { Message } from "../../messages/message.ts";
import type { ApiNeeds } from "../needs.ts";
import type { ApiRequest } from "../route.ts";

/** The message that the path names, of the account that it names; else 20404. */
export async function findMessageOf(app: ApiNeeds, request: ApiRequest): Promise<Message> {
  const sid = request.params.sid ?? "";
  const id = app.messageSids.idOf(sid);
  const account = request.account.id;
  const message = id === undefined ? undefined : await app.messages.find({ account, id });
  if (message === undefined) throw notFound(`The message ${sid}`);
  return message;
}
