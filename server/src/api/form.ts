import { isUtf8 } from "node:buffer";
import { ApiError, invalidParameter, notInThisVersion } from "../lib/errors.ts";
import { createRecentMap } from "../lib/recent-map.ts";

/**
 * How a parameter of Twilio's contract stands here: as Twilio's, with a difference, taken and
 * without effect, refused, or refused unless it holds the one value that changes nothing.
 */
export type ParameterUse = "same" | "different" | "ignored" | "absent" | { readonly only: string };
export type ParameterTable = Readonly<Record<string, ParameterUse>>;

/** Typed readers of a form. An empty text is there; for every other type it is as if left out. */
export type Form = {
  readonly text: (name: string) => string | undefined;
  readonly list: (name: string) => readonly string[];
  readonly flag: (name: string) => boolean | undefined;
  readonly int: (
    name: string,
    range: { readonly min: number; readonly max: number; readonly code?: number },
  ) => number | undefined;
  readonly choice: <Value extends string>(
    name: string,
    values: readonly Value[],
  ) => Value | undefined;
  /** An http or https URL; an empty text clears it. */
  readonly url: (name: string, code?: number) => string | undefined;
};

/** Twilio's longest URL of a callback. */
const URL_LENGTH_MAX = 4_000;
/** Ten times what any resource of Twilio's takes. */
const PARAMETERS_MAX = 500;

/** The values of each parameter, in their order. */
export type FormValues = ReadonlyMap<string, readonly string[]>;

/** Refuses what the table calls absent; names outside the table are ignored. */
export function createForm(values: FormValues, table: ParameterTable): Form {
  for (const name of values.keys()) {
    if (Object.hasOwn(table, name)) refuseAbsent(name, values.get(name) ?? [], table[name]);
  }
  const text = (name: string) => {
    if (!Object.hasOwn(table, name)) throw new Error(`The table does not list '${name}'.`);
    return values.get(name)?.at(-1);
  };
  const given = (name: string) => text(name) || undefined;
  return {
    text,
    list: (name) => values.get(name) ?? [],
    flag: (name) => readFlag(name, given(name)),
    int: (name, range) => {
      const value = given(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (/^-?\d{1,15}$/.test(value) && number >= range.min && number <= range.max) return number;
      throw new ApiError(
        400,
        range.code ?? 20001,
        `The parameter '${name}' must be a whole number from ${range.min} to ${range.max}.`,
      );
    },
    choice: (name, values) => {
      const value = given(name);
      if (value === undefined) return undefined;
      const found = values.find((one) => one.toLowerCase() === value.toLowerCase());
      if (found !== undefined) return found;
      throw invalidParameter(name, `it must be one of ${values.join(", ")}.`);
    },
    url: (name, code) => {
      const value = text(name);
      if (value === undefined || value === "" || isKnownWebUrl(value)) return value;
      throw new ApiError(
        400,
        code ?? 20001,
        `The parameter '${name}' must be an http or https URL of at most ${URL_LENGTH_MAX} characters whose host has no underscore.`,
      );
    },
  };
}

/** Reads a form's body for Fastify; it is UTF-8 whatever its content type says. */
export function readFormBody(
  _request: unknown,
  body: Buffer,
  done: (error: Error | null, text?: string) => void,
): void {
  if (isUtf8(body)) done(null, body.toString("utf8"));
  else done(notUtf8());
}

/** Reads `application/x-www-form-urlencoded` as URLSearchParams does; a broken percent code is the caller's fault. */
export function parsePairs(text: string): FormValues {
  try {
    return readPairs(text);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    // A text must not leave with other characters than it came with.
    throw /%(?![0-9a-fA-F]{2})/.test(text) ? brokenPercent() : notUtf8();
  }
}

function readPairs(text: string): FormValues {
  const values = new Map<string, string[]>();
  let pairs = 0;
  for (let start = text.startsWith("?") ? 1 : 0; start < text.length; ) {
    const next = text.indexOf("&", start);
    const end = next === -1 ? text.length : next;
    if (end > start) {
      pairs += 1;
      addPair(values, text.slice(start, end));
    }
    start = end + 1;
  }
  if (pairs <= PARAMETERS_MAX) return values;
  throw new ApiError(
    400,
    20001,
    `The request has ${pairs} parameters, the limit is ${PARAMETERS_MAX}.`,
  );
}

function addPair(values: Map<string, string[]>, pair: string): void {
  const equals = pair.indexOf("=");
  const name = decode(equals === -1 ? pair : pair.slice(0, equals));
  const value = equals === -1 ? "" : decode(pair.slice(equals + 1));
  const before = values.get(name);
  if (before === undefined) values.set(name, [value]);
  else before.push(value);
}

const SPACE = 0x20;
const PLUS = 0x2b;
const PERCENT = 0x25;

/** What is ASCII is decoded here: to call decodeURIComponent for each value takes longer. */
function decode(text: string): string {
  let decoded = "";
  let start = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code !== PLUS && code !== PERCENT) {
      at += 1;
      continue;
    }
    const octet = code === PLUS ? SPACE : octetAt(text, at + 1);
    if (!(octet < 0x80)) return decodeURIComponent(text.replaceAll("+", " "));
    decoded += text.slice(start, at) + String.fromCharCode(octet);
    at += code === PLUS ? 1 : 3;
    start = at;
  }
  return start === 0 ? text : decoded + text.slice(start);
}

/** NaN unless two hexadecimal digits are there. */
function octetAt(text: string, at: number): number {
  return 16 * hexOf(text.charCodeAt(at)) + hexOf(text.charCodeAt(at + 1));
}

function hexOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : Number.NaN;
}

function brokenPercent(): ApiError {
  return new ApiError(
    400,
    20001,
    "The parameters hold a '%' that no two hexadecimal digits follow. Encode it as %25.",
  );
}

function notUtf8(): ApiError {
  return new ApiError(400, 20001, "The parameters are not UTF-8. Encode them so.");
}

function refuseAbsent(
  name: string,
  values: readonly string[],
  use: ParameterUse | undefined,
): void {
  if (values.every((value) => value === "")) return;
  if (use === "absent") throw notInThisVersion(name);
  if (typeof use === "object" && values.some((value) => !isOnly(value, use.only))) {
    throw new ApiError(
      400,
      20001,
      `The parameter '${name}' can only be '${use.only}' in this version of Longwave. Leave it out.`,
    );
  }
}

function isOnly(value: string, only: string): boolean {
  return value.toLowerCase() === only || (only === "false" && value === "0");
}

function readFlag(name: string, value: string | undefined): boolean | undefined {
  switch (value?.toLowerCase()) {
    case undefined:
      return undefined;
    case "true":
    case "1":
      return true;
    case "false":
    case "0":
      return false;
    default:
      throw invalidParameter(name, "it must be true or false.");
  }
}

/** Messages of one program name the same URLs over and over. */
const URLS_REMEMBERED = 1_000;
const urls = createRecentMap<boolean>(URLS_REMEMBERED);

function isKnownWebUrl(text: string): boolean {
  return text.length <= URL_LENGTH_MAX && urls.get(text, isWebUrl);
}

function isWebUrl(text: string): boolean {
  if (!/^https?:\/\/[^\p{Cc}\s]+$/iu.test(text)) return false;
  if (!URL.canParse(text)) return false;
  return !new URL(text).hostname.includes("_");
}
