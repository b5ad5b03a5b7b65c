import { SECOND } from "../../lib/clock.ts";
import type { HttpRequest } from "../../lib/http-exchange.ts";
import type { Submission } from "../connector.ts";
import type { HttpSettings } from "./settings.ts";
import { fill, fillPath, fillText, type Values } from "./template.ts";

const CONNECT_MS = 5 * SECOND;

/** The request that sends one text. */
export function sendRequest(
  settings: HttpSettings,
  submission: Submission,
  of: { readonly callbacks: string; readonly now: Date },
): HttpRequest {
  const { send } = settings.definition;
  const { sender, recipient, text, media } = submission;
  const leftS = Math.floor((submission.validUntil.getTime() - of.now.getTime()) / SECOND);
  const { min, max } = send.validity ?? { min: 1, max: leftS };
  const values: Partial<Values> = {
    ...{ sender, recipient, text, media, settings: settings.values, callbacks: of.callbacks },
    ...{ senderDigits: sender.replace(/^\+/, ""), recipientDigits: recipient.replace(/^\+/, "") },
    ...{ validityS: Math.max(min, Math.min(max, leftS)), reference: String(submission.id) },
  };
  const filled = fill(send.body, values) as Record<string, unknown>;
  const isForm = send.format === "form";
  return {
    ...bounds(settings),
    url: new URL(settings.baseUrl + fillPath(send.path, values)),
    method: "POST",
    headers: {
      ...headersOf(settings, values),
      "content-type": isForm ? "application/x-www-form-urlencoded" : "application/json",
    },
    body: isForm ? formOf(filled) : JSON.stringify(filled),
  };
}

/** The request that asks for the price of a text. */
export function lookupRequest(settings: HttpSettings, id: string): HttpRequest {
  const values = { id, settings: settings.values };
  const path = fillPath(settings.definition.priceLookup?.path ?? "/", values);
  return {
    ...bounds(settings),
    ...{ url: new URL(settings.baseUrl + path), method: "GET" },
    headers: headersOf(settings, values),
  };
}

function bounds({ responseTimeoutMs: totalMs }: HttpSettings) {
  return { connectMs: Math.min(CONNECT_MS, totalMs), readMs: totalMs, totalMs };
}

function headersOf({ definition }: HttpSettings, values: Partial<Values>): Record<string, string> {
  const { headers = {}, basic } = definition.send;
  const filled = fill(headers, values) as Record<string, string>;
  if (basic === undefined) return { accept: "application/json", ...filled };
  const [user, password] = basic.map((one) => String(fillText(one, values) ?? ""));
  const credentials = Buffer.from(`${user}:${password}`, "utf8").toString("base64");
  return { accept: "application/json", ...filled, authorization: `Basic ${credentials}` };
}

/** A list becomes a parameter that is repeated. */
function formOf(filled: Record<string, unknown>): string {
  const pairs = Object.entries(filled).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );
  return new URLSearchParams(pairs).toString();
}
