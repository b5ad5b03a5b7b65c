import type { Clock } from "../lib/clock.ts";
import type { GuardedDialer } from "../lib/guarded-dialer.ts";
import type { Exchange } from "../lib/http-exchange.ts";
import { twilioSignature } from "../lib/twilio-signature.ts";
import { createRecentMap } from "../numbers/recent-map.ts";
import { parseTarget, type RetryPolicy } from "./overrides.ts";
import { standardWebhookHeaders } from "./sign.ts";

export type Caller = {
  readonly dialer: Pick<GuardedDialer, "request">;
  readonly clock: Clock;
  readonly accountToken: (account: number) => string;
  readonly webhookKey: (account: number) => Buffer;
};

export type Call = {
  readonly account: number;
  /** As configured, with credentials and overrides. */
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly form: Readonly<Record<string, string>>;
  /** The same at every retry of one webhook. */
  readonly webhookId: string;
};

export type CallResult = {
  readonly answer: Exchange;
  /** The document's address, for URLs relative to it. */
  readonly url: string;
  readonly durationMs: number;
  readonly retries: number;
};

/** Calls a customer, signed, with the immediate retries that the URL's fragment asks for. */
export async function callCustomer(app: Caller, call: Call): Promise<CallResult> {
  const parts = partsOf(call.url);
  const { target } = parts;
  const at = app.clock();
  const { request, url } = signedRequest(app, call, { parts, at });
  const { url: to, method, headers, body, connectMs, readMs } = request;
  let durationMs = 0;
  for (let retries = 0; ; retries += 1) {
    const totalMs = Math.max(target.totalMs - durationMs, 1);
    const answer = await app.dialer.request({
      url: to,
      method,
      headers,
      body,
      connectMs,
      readMs,
      totalMs,
    });
    durationMs = app.clock().getTime() - at.getTime();
    const isOver = retries >= target.retryCount || durationMs >= target.totalMs;
    if (isOver || !isRetried(answer, target.retryPolicies)) {
      return { answer, url, durationMs, retries };
    }
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

type Parts = ReturnType<typeof readParts>;
let last: { readonly url: string; readonly parts: Parts } | undefined;

/** Most often it is the same URL again. */
function partsOf(url: string): Parts {
  if (last?.url !== url) last = { url, parts: remembered.get(url, readParts) };
  return last.parts;
}

function readParts(configured: string) {
  const target = parseTarget(configured);
  const parsed = URL.canParse(target.url) ? new URL(target.url) : undefined;
  const shown = parsed === undefined ? "" : parsed.origin + parsed.pathname;
  return { target, parsed, host: parsed?.host ?? "", shown };
}

function signedRequest(app: Caller, call: Call, { parts, at }: { parts: Parts; at: Date }) {
  const { target } = parts;
  const isPost = call.method === "POST";
  const encoded = encodeForm(call.form);
  const body = isPost ? encoded : undefined;
  const url = isPost ? target.url : withQuery(target.url, encoded);
  const parsed = (isPost ? parts.parsed : undefined) ?? new URL(url);
  const headers = standardWebhookHeaders(app.webhookKey(call.account), {
    id: call.webhookId,
    at,
    body: body ?? "",
  });
  headers.accept = "*/*";
  headers["user-agent"] = "Longwave";
  headers["i-twilio-idempotency-token"] = call.webhookId;
  const token = app.accountToken(call.account);
  headers["x-twilio-signature"] = twilioSignature(token, url, isPost ? call.form : {});
  if (isPost) headers["content-type"] = "application/x-www-form-urlencoded; charset=UTF-8";
  if (parsed.username !== "") headers.authorization = basicAuthorization(parsed);
  const { connectMs, readMs } = target;
  return { request: { url: parsed, method: call.method, headers, body, connectMs, readMs }, url };
}

/** As URLSearchParams does it, which is slow: most values need no escape beyond a number's plus. */
export function encodeForm(form: Readonly<Record<string, string>>): string {
  let encoded = "";
  for (const name in form) {
    const value = form[name] ?? "";
    if (encoded !== "") encoded += "&";
    if (/^\+?[\w.*-]*$/.test(value)) {
      encoded += `${name}=${value.startsWith("+") ? `%2B${value.slice(1)}` : value}`;
    } else encoded += new URLSearchParams([[name, value]]).toString();
  }
  return encoded;
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
