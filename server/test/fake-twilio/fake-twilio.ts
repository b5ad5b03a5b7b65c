import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import twilio from "twilio";
import { type Answer, answerGet, refused } from "./reads.ts";
import { newMessageOf, newSid, type Resource } from "./resources.ts";
import { buildWorld, type GivenTwilio, type World } from "./world.ts";

/** How Twilio takes one text: by what it answers, and then by what it tells later. */
export type Behaviour =
  | { readonly kind: "refuse"; readonly status: number; readonly code: number }
  /** The text is taken, and the connection ends before the answer. */
  | { readonly kind: "silent" }
  | {
      readonly kind: "take";
      /** `nothing`: the test ends it. */
      readonly ends: "nothing" | "sent" | "delivered" | "undelivered" | "failed";
      readonly errorCode?: number;
    };

export type FakeTwilio = {
  /** Stands for https://api.twilio.com and https://messaging.twilio.com: they differ by path. */
  readonly url: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly world: World;
  /** Every POST, as it came. */
  readonly posts: readonly {
    readonly path: string;
    readonly form: Readonly<Record<string, string>>;
  }[];
  /** Chooses how a text is taken; without one it is delivered. */
  behave: (form: Readonly<Record<string, string>>) => Behaviour | undefined;
  /** Ends the text that was taken last. */
  readonly end: (status: "delivered" | "undelivered" | "failed") => Promise<void>;
  /** A phone texts a number of the account; gives the webhook's answer, 0: nobody is to be told. */
  readonly receive: (
    from: string,
    to: string,
    body: string,
    /** Its pictures: where they are, and of what kind. */
    media?: readonly { readonly url: string; readonly contentType: string }[],
  ) => Promise<number>;
  /** Brings the phone's text that came last once more, as after an answer that got lost. */
  readonly repeat: () => Promise<number>;
  /** The statuses that webhooks were told, with what these answered. */
  readonly told: readonly {
    readonly sid: string;
    readonly status: string;
    readonly answer: number;
  }[];
  readonly close: () => Promise<void>;
};

type State = Omit<FakeTwilio, "receive" | "repeat" | "end" | "close" | "told" | "posts"> & {
  readonly posts: { path: string; form: Record<string, string> }[];
  readonly told: { sid: string; status: string; answer: number }[];
  readonly calls: Set<Promise<unknown>>;
  brought: (() => Promise<number>) | undefined;
  last: { readonly made: Resource; readonly callback: string | undefined } | undefined;
};

const PRICE = "-0.00790";
const stopWords = /^(stop|stopall|unsubscribe|cancel|end|quit|revoke|optout)$/i;
const startWords = /^(start|yes|unstop)$/i;

/** A local Twilio: its accounts, numbers, messaging services and messages, with their webhooks. */
export async function startFakeTwilio(given: GivenTwilio = {}): Promise<FakeTwilio> {
  const server = createServer((request, response) => {
    handle(state, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = buildWorld(given, url);
  const [main] = world.accounts;
  const state: State = {
    ...{ url, world, posts: [], told: [], calls: new Set(), behave: () => undefined },
    brought: undefined,
    last: undefined,
    ...{ accountSid: String(main?.sid), authToken: String(main?.auth_token) },
  };
  const calls: Pick<FakeTwilio, "receive"> = {
    receive: (from, to, body, media = []) => receive(state, { from, to, body, media }),
  };
  return Object.assign(state, calls, {
    end: async (status: "delivered" | "undelivered" | "failed") => {
      const { made, callback } = state.last ?? {};
      if (made !== undefined) await finish(state, made, { ends: status, callback });
    },
    repeat: async () => (state.brought === undefined ? 0 : await state.brought()),
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await Promise.allSettled(state.calls);
    },
  });
}

async function handle(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", state.url);
  const form = formOf(new URLSearchParams(await readText(request)));
  const answer = authorised(state, request, url)
    ? route(state, { method: request.method ?? "GET", url, form })
    : refused(401, 20003, "Authenticate");
  if (answer === "silent") {
    response.destroy();
    return;
  }
  response.writeHead(answer.status, { "content-type": "application/json" });
  response.end(JSON.stringify(answer.body));
}

/** The values of a name that is repeated stand together, with a space between them. */
function formOf(pairs: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...pairs.keys()].map((name) => [name, pairs.getAll(name).join(" ")]));
}

/** An account may look into its subaccounts, not the other way. */
function authorised({ world }: State, request: IncomingMessage, url: URL): boolean {
  const [scheme, encoded = ""] = (request.headers.authorization ?? "").split(" ");
  const [sid, token] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  const caller = world.accounts.find((one) => one.sid === sid && one.auth_token === token);
  const [, about] = /^\/2010-04-01\/Accounts\/(AC[0-9a-f]{32})/.exec(url.pathname) ?? [];
  if (scheme !== "Basic" || caller === undefined) return false;
  const asked = world.accounts.find((one) => one.sid === about);
  return about === undefined || about === sid || asked?.owner_account_sid === sid;
}

type Asked = { readonly method: string; readonly url: URL; readonly form: Record<string, string> };

function route(state: State, { method, url, form }: Asked): Answer | "silent" {
  if (method === "GET") return answerGet(state.world, url);
  state.posts.push({ path: url.pathname, form });
  const [, accountSid = "", what = "", sid] =
    /^\/2010-04-01\/Accounts\/(AC\w{32})\/(Messages|IncomingPhoneNumbers|SMS\/ShortCodes)(?:\/(\w+))?\.json$/.exec(
      url.pathname,
    ) ?? [];
  if (method === "POST" && what === "Messages" && sid === undefined) {
    return createMessage(state, accountSid, form);
  }
  if (method === "POST" && sid !== undefined && what !== "Messages") {
    const { numbers, shortCodes } = state.world;
    return update(what === "IncomingPhoneNumbers" ? numbers : shortCodes, sid, form);
  }
  const [, service] = /^\/v1\/Services\/(MG\w{32})$/.exec(url.pathname) ?? [];
  if (method === "POST" && service !== undefined) {
    return update(state.world.services, service, form);
  }
  return refused(404, 20404, `The requested resource ${url.pathname} was not found`);
}

const updatable: Readonly<Record<string, string>> = {
  FriendlyName: "friendly_name",
  SmsUrl: "sms_url",
  SmsMethod: "sms_method",
  SmsFallbackUrl: "sms_fallback_url",
  SmsFallbackMethod: "sms_fallback_method",
  SmsApplicationSid: "sms_application_sid",
  InboundRequestUrl: "inbound_request_url",
  InboundMethod: "inbound_method",
  FallbackUrl: "fallback_url",
};

function update(all: Resource[], sid: string, form: Record<string, string>): Answer {
  const index = all.findIndex((one) => one.sid === sid);
  const before = all[index];
  if (before === undefined) return refused(404, 20404, `${sid} was not found`);
  const changes = Object.entries(form).flatMap(([name, value]) => {
    const property = updatable[name];
    return property === undefined ? [] : [[property, value]];
  });
  const changed = { ...before, ...Object.fromEntries(changes) };
  all[index] = changed;
  return { status: 200, body: changed };
}

function createMessage(
  state: State,
  accountSid: string,
  form: Record<string, string>,
): Answer | "silent" {
  const { world } = state;
  const from = form.From ?? firstSenderOf(world, form.MessagingServiceSid ?? "");
  const to = form.To ?? "";
  const refusal = refusalOf(world, { ...form, From: from ?? "" });
  if (refusal !== undefined) return refusal;
  const behaviour = state.behave(form) ?? { kind: "take", ends: "delivered" };
  if (behaviour.kind === "refuse") return refused(behaviour.status, behaviour.code, "Refused");
  const made = newMessageOf(
    {
      ...{ account_sid: accountSid, from, to, body: form.Body ?? "" },
      messaging_service_sid: form.MessagingServiceSid ?? null,
      num_media: String(form.MediaUrl?.split(" ").length ?? 0),
    },
    new Date(),
  );
  world.messages.unshift(made);
  const ends = behaviour.kind === "take" ? behaviour : { ends: "delivered" as const };
  const callback = form.StatusCallback;
  state.last = { made, callback };
  if (ends.ends !== "nothing") follow(state, finish(state, made, { ...ends, callback }));
  return behaviour.kind === "silent" ? "silent" : { status: 201, body: made };
}

function refusalOf(world: World, form: Record<string, string>): Answer | undefined {
  const { From: from = "", To: to = "", Body: body = "" } = form;
  if (to === "") return refused(400, 21604, "A 'To' phone number is required.");
  if (!/^\+[1-9]\d{7,14}$/.test(to)) return refused(400, 21211, `Invalid 'To' Phone Number: ${to}`);
  if (from === "") return refused(400, 21603, "A 'From' phone number is required.");
  if (body === "" && form.MediaUrl === undefined) {
    return refused(400, 21602, "Message body is required.");
  }
  const isHeld =
    world.numbers.some((one) => one.phone_number === from) ||
    world.shortCodes.some((one) => one.short_code === from) ||
    /[a-z]/i.test(from);
  if (!isHeld) return refused(400, 21606, `The 'From' number ${from} is not a valid sender.`);
  if (world.optOuts.has(`${from} ${to}`)) {
    return refused(400, 21610, "Attempt to send to unsubscribed recipient");
  }
  return undefined;
}

function firstSenderOf({ pools }: World, serviceSid: string): string | undefined {
  const all = [...pools.PhoneNumbers, ...pools.ShortCodes, ...pools.AlphaSenders];
  const first = all.find((one) => one.service_sid === serviceSid);
  const sender = first?.phone_number ?? first?.short_code ?? first?.alpha_sender;
  return sender === undefined ? undefined : String(sender);
}

/** The status moves on, and each step is told after the one before was answered. */
async function finish(
  state: State,
  made: Resource,
  how: { ends: string; errorCode?: number; callback: string | undefined },
): Promise<void> {
  const steps = how.ends === "sent" || how.ends === "failed" ? [how.ends] : ["sent", how.ends];
  for (const status of steps) {
    const isFailed = status === "undelivered" || status === "failed";
    const errorCode = isFailed ? (how.errorCode ?? 30003) : undefined;
    change(state.world, made.sid, {
      ...{ status, error_code: errorCode ?? null, price: status === "failed" ? null : PRICE },
      date_sent: made.date_created,
    });
    if (how.callback === undefined || how.callback === "") continue;
    const answer = await tell(state, how.callback, {
      ...{ MessageSid: String(made.sid), SmsSid: String(made.sid) },
      ...{ MessageStatus: status, SmsStatus: status, ApiVersion: "2010-04-01" },
      ...{ AccountSid: String(made.account_sid), From: String(made.from), To: String(made.to) },
      ...(errorCode === undefined ? {} : { ErrorCode: String(errorCode) }),
      ...(status === "delivered" ? { RawDlrDoneDate: "2601051200" } : {}),
    });
    state.told.push({ sid: String(made.sid), status, answer });
  }
}

function change(world: World, sid: unknown, properties: Resource): void {
  const index = world.messages.findIndex((one) => one.sid === sid);
  world.messages[index] = { ...world.messages[index], ...properties };
}

type Received = {
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly media: readonly { readonly url: string; readonly contentType: string }[];
};

async function receive(state: State, { from, to, body, media }: Received): Promise<number> {
  const { world } = state;
  if (stopWords.test(body.trim())) world.optOuts.add(`${to} ${from}`);
  if (startWords.test(body.trim())) world.optOuts.delete(`${to} ${from}`);
  const number = [...world.numbers, ...world.shortCodes].find(
    (one) => (one.phone_number ?? one.short_code) === to,
  );
  const member = world.pools.PhoneNumbers.find((one) => one.phone_number === to);
  const service = world.services.find((one) => one.sid === member?.service_sid);
  const isServices = service !== undefined && service.use_inbound_webhook_on_number !== true;
  const url = String((isServices ? service.inbound_request_url : number?.sms_url) ?? "");
  const account = { AccountSid: String(number?.account_sid) };
  const sid = newSid("SM");
  world.messages.unshift(
    newMessageOf(
      {
        sid,
        account_sid: account.AccountSid,
        from,
        to,
        body,
        direction: "inbound",
        status: "received",
      },
      new Date(),
    ),
  );
  if (url === "") return 0;
  state.brought = () =>
    tell(state, url, {
      ...{ MessageSid: sid, SmsSid: sid, SmsMessageSid: sid, SmsStatus: "received", ...account },
      ...(service === undefined ? {} : { MessagingServiceSid: String(service.sid) }),
      ...{ From: from, To: to, Body: body, NumMedia: String(media.length), NumSegments: "1" },
      ...Object.fromEntries(media.map(({ url: at }, place) => [`MediaUrl${place}`, at])),
      ...Object.fromEntries(
        media.map(({ contentType }, place) => [`MediaContentType${place}`, contentType]),
      ),
      ...{ FromCountry: "US", ToCountry: "US", ApiVersion: "2010-04-01" },
    });
  return await state.brought();
}

/** Calls a webhook, signed with the account's token; the status of its answer, 0 without one. */
async function tell(
  { world, calls }: State,
  webhook: string,
  form: Record<string, string>,
): Promise<number> {
  const url = webhook.split("#")[0] ?? "";
  const owner = world.accounts.find((one) => one.sid === form.AccountSid);
  const signature = twilio.getExpectedTwilioSignature(String(owner?.auth_token), url, form);
  const call = fetch(url, {
    method: "POST",
    headers: { "x-twilio-signature": signature },
    body: new URLSearchParams(form),
  }).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status;
    },
    () => 0,
  );
  calls.add(call);
  return await call.finally(() => calls.delete(call));
}

function follow({ calls }: State, work: Promise<unknown>): void {
  calls.add(work);
  void work.catch(() => undefined).finally(() => calls.delete(work));
}
