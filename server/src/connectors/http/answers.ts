import { SECOND } from "../../lib/clock.ts";
import type { Exchange } from "../../lib/http-exchange.ts";
import type { SubmitResult } from "../connector.ts";
import type { Definition } from "./definition.ts";
import { holds, readAt, readCode } from "./places.ts";

const THROTTLED_MS = 1 * SECOND;
const RETRY_AFTER_MAX_MS = 300 * SECOND;
const UNKNOWN_ERROR = 30008;

/**
 * What the provider's answer says. Only an answer that says so is a refusal; without one, a text
 * whose bytes may have arrived is in doubt and never goes to another carrier.
 */
export function submitResultOf(definition: Definition, exchange: Exchange): SubmitResult {
  if (exchange.kind === "failed") {
    const kind = exchange.hasBegun ? "unknown" : "unavailable";
    return { kind, carrierCode: exchange.reason };
  }
  const { answer } = definition;
  const { status, headers } = exchange;
  const json = parseJson(exchange.body);
  const code = readCode(json, answer.code);
  const carrierCode = code === undefined ? `HTTP ${status}` : `HTTP ${status} ${code}`;
  const carrierMessageId = readAt(json, answer.id);
  const isTaken = answer.accepted.includes(status) && holds(json, answer.when);
  if (isTaken && carrierMessageId !== undefined && carrierMessageId !== "") {
    return { kind: "accepted", carrierMessageId };
  }
  if (isThrottled(definition, status, code)) {
    return { kind: "throttled", retryAfterMs: retryAfterOf(headers["retry-after"]), carrierCode };
  }
  if (answer.credentials.includes(status) || answer.unavailable.includes(status)) {
    return { kind: "unavailable", carrierCode };
  }
  const isRefusal = (status >= 400 && status < 500) || (code !== undefined && status < 300);
  if (!isRefusal) return { kind: "unknown", carrierCode };
  return {
    kind: "refused",
    errorCode: errorCodeOf(definition, code) ?? UNKNOWN_ERROR,
    carrierCode,
  };
}

/** Twilio's code for the provider's. */
export function errorCodeOf({ errors }: Definition, code: string | undefined): number | undefined {
  if (code === undefined) return undefined;
  if (errors !== "same") return errors[code];
  return /^[1-9]\d{4}$/.test(code) ? Number(code) : undefined;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isThrottled({ answer }: Definition, status: number, code: string | undefined): boolean {
  const { statuses, codes } = answer.throttled;
  return statuses.includes(status) || (code !== undefined && codes.includes(code));
}

/** Seconds, as all of them give it. */
function retryAfterOf(header: string | string[] | undefined): number {
  const ms = Number(header) * SECOND;
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MAX_MS) : THROTTLED_MS;
}
