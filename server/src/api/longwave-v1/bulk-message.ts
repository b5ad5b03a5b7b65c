import type { NewMessage } from "../../messages/decide-message.ts";
import { createParameters, newMessage, readNewMessage } from "../2010-04-01/create-message.ts";
import { findOrigin } from "../2010-04-01/message-origin.ts";
import { createForm, type FormValues } from "../form.ts";
import type { ApiRequest } from "../route.ts";

/** One message of a bulk: the parameters of Twilio's form as JSON. */
export function readBulkMessage(
  app: Parameters<typeof findOrigin>[0],
  account: { id: number },
  values: FormValues,
): NewMessage {
  const form = createForm(values, createParameters);
  const request = { account, caller: account, params: {}, path: "", form } as ApiRequest;
  const { to, origin, body, options } = readNewMessage(request);
  const found = findOrigin(app, { account: account.id, to, origin, request });
  return newMessage(account.id, { to, body, found, options });
}
