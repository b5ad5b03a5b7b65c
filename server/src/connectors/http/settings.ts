import { readFileSync } from "node:fs";
import { join } from "node:path";
import { invalidParameter } from "../../lib/errors.ts";
import { type Definition, parseDefinition, type SenderLimits } from "./definition.ts";

/** Providers whose definition comes with Longwave, in `server/providers`. */
export const providerNames = ["telnyx", "vonage"] as const;

export type HttpSettings = {
  readonly definition: Definition;
  /** The provider's own settings, its secrets among them. */
  readonly values: Readonly<Record<string, string>>;
  readonly baseUrl: string;
  /** Requests under way at once, 1 to 64: as many connections as go to one host. */
  readonly window: number;
  readonly responseTimeoutMs: number;
  readonly senderLimits: SenderLimits;
};

const WINDOW_MAX = 64;
/** No line breaks, which would begin another header. */
const isPlain = /^[^\p{Cc}]{1,4000}$/u;
const limitName = /^(long_code|toll_free|short_code)(\.[A-Z]{2})?$/;
const own = ["provider", "baseUrl", "window", "responseTimeoutMs", "senderLimits"];

/** Settings of a connector to a provider's HTTP API; 20001 with the name of what is wrong. */
export function parseHttpSettings(json: unknown): HttpSettings {
  const given = objectOf(json);
  return read(given, definitionOf(given.provider));
}

/** Settings of a connector to Twilio: accountSid and authToken. */
export function parseTwilioSettings(json: unknown): HttpSettings {
  return read(objectOf(json), readProvider("twilio"));
}

function read(given: Record<string, unknown>, definition: Definition): HttpSettings {
  const known = new Set([...own, ...Object.keys(definition.settings)]);
  const unknown = Object.keys(given).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw invalidParameter(unknown, `${definition.name} takes ${[...known].join(", ")}.`);
  }
  return {
    definition,
    values: readValues(given, definition),
    baseUrl: readBaseUrl(given.baseUrl ?? definition.baseUrl),
    window: whole(given.window ?? 20, "window", { min: 1, max: WINDOW_MAX }),
    responseTimeoutMs: whole(given.responseTimeoutMs ?? 30_000, "responseTimeoutMs", {
      ...{ min: 1_000, max: 120_000 },
    }),
    senderLimits: { ...definition.senderLimits, ...readLimits(given.senderLimits) },
  };
}

function definitionOf(provider: unknown): Definition {
  if (typeof provider === "object") return parseDefinition(provider);
  const found = providerNames.find((name) => name === provider);
  if (found !== undefined) return readProvider(found);
  const names = providerNames.join(", ");
  throw invalidParameter("provider", `give one of ${names}, or a definition of your own.`);
}

function readProvider(name: string): Definition {
  const file = join(import.meta.dirname, "../../../providers", `${name}.json`);
  return parseDefinition(JSON.parse(readFileSync(file, "utf8")));
}

function readValues(
  given: Record<string, unknown>,
  { settings }: Definition,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, { description, isOptional }] of Object.entries(settings)) {
    const value = given[name];
    if (typeof value === "string" && isPlain.test(value)) values[name] = value;
    else if (value !== undefined || isOptional !== true) {
      throw invalidParameter(name, `give a text: ${description}`);
    }
  }
  return values;
}

function readBaseUrl(value: unknown): string {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  const isBare = url !== undefined && url.username === "" && url.search === "" && url.hash === "";
  if (isBare && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, "");
  throw invalidParameter("baseUrl", "give an http or https address without query or credentials.");
}

function readLimits(value: unknown): SenderLimits {
  if (value === undefined) return {};
  const given = objectOf(value);
  for (const [kind, limit] of Object.entries(given)) {
    const isLimit = typeof limit === "number" && limit > 0 && limit <= 10_000;
    if (limitName.test(kind) && isLimit) continue;
    const why = "give segments per second by kind of sender, such as long_code or long_code.US.";
    throw invalidParameter("senderLimits", why);
  }
  return given as SenderLimits;
}

function objectOf(json: unknown): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    return json as Record<string, unknown>;
  }
  throw invalidParameter("settings", "give an object.");
}

function whole(value: unknown, name: string, of: { min: number; max: number }): number {
  if (Number.isInteger(value) && Number(value) >= of.min && Number(value) <= of.max) {
    return Number(value);
  }
  throw invalidParameter(name, `give a whole number from ${of.min} to ${of.max}.`);
}
