import type { NewMessage } from "../../messages/accept.ts";
import { createParameters, newMessage, readNewMessage } from "../2010-04-01/create-message.ts";
import { findOrigin } from "../2010-04-01/message-origin.ts";
import { createForm, type FormValues } from "../form.ts";

/** One message of a bulk: the parameters of Twilio's form as JSON. */
export function readBulkMessage(
  app: Parameters<typeof findOrigin>[0],
  account: { id: number },
  values: FormValues,
): NewMessage {
  const request = {
    ...{ account, caller: account, params: {}, path: "" },
    form: createForm(values, createParameters),
  } as Parameters<typeof readNewMessage>[0];
  const { to, origin, body, options } = readNewMessage(request);
  const found = findOrigin(app, { account: account.id, to, origin, request });
  return newMessage(account.id, { to, body, found, options });
}
