import type { Clock } from "../lib/clock.ts";
import type { GuardedDialer } from "../lib/guarded-dialer.ts";
import { type Exchange, type HttpRequest, type HttpUrl, httpUrlOf } from "../lib/http-exchange.ts";
import { createRecentMap } from "../lib/recent-map.ts";
import type { Form } from "./form.ts";
import { parseTarget, type RetryPolicy, type Target } from "./overrides.ts";
import { type Signers, standardWebhookHeaders } from "./sign.ts";

export type Caller = {
  readonly dialer: Pick<GuardedDialer, "request">;
  readonly clock: Clock;
  readonly signers: (account: number) => Signers;
};

export type Call = {
  readonly account: number;
  /** As configured, with credentials and overrides. */
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly form: Form;
  /** The same at every retry of one webhook. */
  readonly webhookId: string;
};

export type CallResult = {
  readonly answer: Exchange;
  /** The document's address, for URLs relative to it. */
  readonly url: string;
  readonly at: Date;
  readonly durationMs: number;
  readonly retries: number;
};

/** Calls a customer, signed, with the immediate retries that the URL's fragment asks for. */
export async function callCustomer(app: Caller, call: Call): Promise<CallResult> {
  const parts = partsOf(call.url);
  const { totalMs, retryCount, retryPolicies } = parts.target;
  const at = app.clock();
  const { url, request } = signedRequest(app, call, { parts, at });
  let again = request;
  for (let retries = 0; ; retries += 1) {
    const answer = await app.dialer.request(again);
    const durationMs = app.clock().getTime() - at.getTime();
    const isOver = retries >= retryCount || durationMs >= totalMs;
    if (isOver || !isRetried(answer, retryPolicies)) {
      return { answer, url, at, durationMs, retries };
    }
    again = { ...request, totalMs: totalMs - durationMs };
  }
}

/** The host that bounds and breakers go by: with the port, without credentials; empty for no URL. */
export function hostOf(url: string): string {
  return partsOf(url).host;
}

/** What may be kept of a URL: no credentials, no query, no fragment. */
export function shownUrl(url: string): string {
  return partsOf(url).shown;
}

/** Callback URLs whose parts are remembered: many messages share one. */
const URLS_REMEMBERED = 2_000;
const remembered = createRecentMap<Parts>(URLS_REMEMBERED);

type Parts = {
  readonly target: Target;
  /** Nothing where it is no URL. */
  readonly to: HttpUrl | undefined;
  readonly authorization: string;
  readonly host: string;
  readonly shown: string;
};
let last: { readonly url: string; readonly parts: Parts } | undefined;

/** Most often it is the same URL again. */
function partsOf(url: string): Parts {
  if (last?.url !== url) last = { url, parts: remembered.get(url, readParts) };
  return last.parts;
}

function readParts(configured: string): Parts {
  const target = parseTarget(configured);
  if (!URL.canParse(target.url)) {
    return { target, to: undefined, authorization: "", host: "", shown: "" };
  }
  const url = new URL(target.url);
  const { host, origin, pathname } = url;
  return {
    ...{ target, to: httpUrlOf(url), host, shown: origin + pathname },
    authorization: url.username === "" ? "" : `authorization: ${basicAuthorization(url)}\r\n`,
  };
}

function signedRequest(app: Caller, call: Call, { parts, at }: { parts: Parts; at: Date }) {
  const { target, authorization } = parts;
  const { form, method, webhookId: id } = call;
  const isPost = method === "POST";
  const url = isPost ? target.url : withQuery(target.url, form.encoded);
  const to = (isPost ? parts.to : undefined) ?? httpUrlOf(new URL(url));
  const { twilio, standard } = app.signers(call.account);
  const ofWebhook = standardWebhookHeaders(standard, { id, at, body: isPost ? form.encoded : "" });
  const headers =
    `webhook-id: ${id}\r\nwebhook-timestamp: ${ofWebhook["webhook-timestamp"]}\r\n` +
    `webhook-signature: ${ofWebhook["webhook-signature"]}\r\n` +
    `accept: */*\r\nuser-agent: Longwave\r\ni-twilio-idempotency-token: ${id}\r\n` +
    `x-twilio-signature: ${twilio(isPost ? url + form.signed : url)}\r\n` +
    (isPost ? `content-type: application/x-www-form-urlencoded; charset=UTF-8\r\n` : "") +
    authorization;
  const { connectMs, readMs, totalMs } = target;
  const body = isPost ? form.encoded : undefined;
  const request: HttpRequest = { url: to, method, headers, body, connectMs, readMs, totalMs };
  return { request, url };
}

function withQuery(url: string, encoded: string): string {
  return encoded === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${encoded}`;
}

function basicAuthorization(url: URL): string {
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function isRetried(answer: Exchange, policies: ReadonlySet<RetryPolicy>): boolean {
  const policy = policyOf(answer);
  return policy !== undefined && (policies.has(policy) || policies.has("all"));
}

function policyOf(answer: Exchange): RetryPolicy | undefined {
  if (answer.kind === "failed") {
    if (answer.reason === "address-refused") return undefined;
    return answer.reason === "read-timeout" ? "rt" : "ct";
  }
  if (answer.status >= 500) return "5xx";
  return answer.status >= 400 ? "4xx" : undefined;
}
