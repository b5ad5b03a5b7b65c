import { ApiError } from "../../lib/errors.ts";
import { newSid } from "../../lib/sid.ts";
import type { Message } from "../../messages/message.ts";
import { parsePhoneNumber } from "../../numbers/phone-number.ts";
import type { ParameterTable } from "../form.ts";
import type { ApiNeeds, MessageFilter } from "../needs.ts";
import { invalidPageToken, pageBody, pageParameters, readPage } from "../page.ts";
import type { Answer, ApiRequest, Route } from "../route.ts";
import { createParameters, newMessage, readNewMessage } from "./create-message.ts";
import { readDateFilter } from "./date-filter.ts";
import { findMessageOf } from "./find-message.ts";
import { sendForTest } from "./magic-numbers.ts";
import { showMessage } from "./message.ts";
import { findOrigin } from "./message-origin.ts";

const path = "/2010-04-01/Accounts/:account/Messages";
const filterParameters = {
  To: "same",
  From: "same",
  DateSent: "same",
  "DateSent<": "same",
  "DateSent>": "same",
} as const satisfies ParameterTable;

export const messageRoutes: readonly Route[] = [
  {
    method: "POST",
    path,
    parameters: createParameters,
    headers: { "x-longwave-priority": "Priority" },
    isForTest: true,
    isAccept: true,
    handle: createMessage,
  },
  {
    method: "GET",
    path,
    parameters: { ...filterParameters, ...pageParameters },
    handle: listMessages,
  },
  {
    method: "GET",
    path: `${path}/:sid`,
    parameters: {},
    handle: async (app, request) => answer(app, request, await findMessageOf(app, request)),
  },
  {
    method: "POST",
    path: `${path}/:sid`,
    parameters: { Body: "same", Status: "same" },
    handle: updateMessage,
  },
  {
    method: "DELETE",
    path: `${path}/:sid`,
    parameters: {},
    handle: async (app, request) => {
      await app.messages.remove(await findMessageOf(app, request));
      return { status: 204 };
    },
  },
];

async function createMessage(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const { to, origin, body, options } = readNewMessage(request);
  if (request.caller.isTest || request.account.isTest) {
    const at = app.clock();
    const from = parsePhoneNumber(origin.from ?? "") ?? origin.from ?? "";
    const shown = sendForTest({ from, to, body, media: options.media }, at);
    return { status: 201, body: showMessage(request.account, newSid("SM", at), shown) };
  }
  const account = request.account.id;
  const { reserved } = request;
  if (reserved?.isAgain === true) {
    const key = { account, first: reserved.id, count: 1 };
    const stored = (await app.messages.findReserved(key)).get(0);
    if (stored !== undefined) return answer(app, request, stored, 201);
  }
  const found = findOrigin(app, { account, to, origin, request });
  const message = await app.messages.accept(
    newMessage(account, { to, body, found, options, id: reserved?.id }),
  );
  return answer(app, request, message, 201);
}

async function listMessages(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const asked = readPage(request);
  const beforeId = asked.after === undefined ? undefined : app.messageSids.idOf(asked.after);
  if (asked.after !== undefined && beforeId === undefined) throw invalidPageToken();
  const to = readAddress(request, "To");
  const from = readAddress(request, "From");
  const filter: MessageFilter = {
    account: request.account.id,
    limit: asked.size + 1,
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
    ...(beforeId === undefined ? {} : { beforeId }),
    ...readDateFilter(request),
  };
  const found = await app.messages.list(filter);
  const tokenOf = (message: Message) => app.messageSids.sidOf(message.id);
  const show = (message: Message) => showMessage(request.account, tokenOf(message), message);
  const filters = Object.keys(filterParameters);
  return {
    status: 200,
    body: pageBody(request, asked, { key: "messages", found, show, tokenOf, filters }),
  };
}

/** Cancels by its status, or redacts by an empty body: exactly one of them, else 30400. */
async function updateMessage(app: ApiNeeds, request: ApiRequest): Promise<Answer> {
  const body = request.form.text("Body");
  const status = request.form.text("Status") || undefined;
  const isCancel = status === "canceled" && body === undefined;
  const isRedact = status === undefined && body === "";
  if (!isCancel && !isRedact) {
    throw new ApiError(
      400,
      30400,
      "Give either Status=canceled to cancel the message or an empty Body to redact it.",
    );
  }
  const message = await findMessageOf(app, request);
  const changed = isCancel
    ? await app.messages.cancel(message)
    : await app.messages.redact(message);
  return answer(app, request, changed);
}

/** As the number is stored; a text that is no number matches nothing. */
function readAddress(request: ApiRequest, name: "To" | "From"): string | undefined {
  const text = request.form.text(name)?.replaceAll("\0", "").trim() || undefined;
  return text === undefined ? undefined : (parsePhoneNumber(text) ?? text);
}

function answer(app: ApiNeeds, request: ApiRequest, message: Message, status = 200): Answer {
  const sid = app.messageSids.sidOf(message.id);
  return { status, body: showMessage(request.account, sid, message) };
}
