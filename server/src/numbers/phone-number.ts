import {
  type CountryCode,
  type PhoneNumber as ParsedNumber,
  parsePhoneNumberFromString,
} from "libphonenumber-js/max";
import { createRecentMap } from "../lib/recent-map.ts";

/** An E.164 number with its plus: `+12025550123`. */
export type PhoneNumber = string & { readonly brand: "PhoneNumber" };

/** Of NANP and Danish numbers nobody can tell offline whether they are mobile: `fixed_or_mobile`. */
export type NumberType =
  | "mobile"
  | "landline"
  | "fixed_or_mobile"
  | "toll_free"
  | "voip"
  | "personal"
  | "premium"
  | "shared_cost"
  | "uan"
  | "voicemail"
  | "pager"
  | "unknown";

type NumberFacts = {
  readonly number: PhoneNumber;
  readonly country: CountryCode | undefined;
};

/** About 10 MB; parsing one number anew takes 20 µs. */
const CACHED_NUMBERS_MAX = 50_000;
/** 15 digits and their punctuation, generously. */
const TEXT_LENGTH_MAX = 40;
/** Some two milliseconds of parsing between two turns of the event loop. */
const SLICE_LENGTH = 100;

const BLOCK_DIGITS = 3;
/** Sixty million numbers: what campaigns meet. */
const CACHED_BLOCKS_MAX = 60_000;
const factsByBlock = createRecentMap<NumberFacts | "rewritten" | undefined>(CACHED_BLOCKS_MAX);

const factsByText = createRecentMap<NumberFacts | undefined>(CACHED_NUMBERS_MAX);

/**
 * Reads an international number: a plus, the country code, digits, which spaces, dots, hyphens and
 * brackets may group. The plus may be missing, or a space where a form decoded it, if the rest is
 * then a number in use. Nothing for anything else, nor for a number of impossible length.
 */
export function parsePhoneNumber(text: string): PhoneNumber | undefined {
  return factsOf(text)?.number;
}

/** Reads many numbers in the order given, and lets other work run between slices. */
export async function parsePhoneNumbers(
  texts: readonly string[],
): Promise<(PhoneNumber | undefined)[]> {
  const numbers: (PhoneNumber | undefined)[] = [];
  for (let start = 0; start < texts.length; start += SLICE_LENGTH) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    for (const text of texts.slice(start, start + SLICE_LENGTH)) {
      numbers.push(parsePhoneNumber(text));
    }
  }
  return numbers;
}

/** By the numbering plan alone: ported numbers keep the type of their range. Takes 20 µs. */
export function numberType(number: PhoneNumber): NumberType {
  const type = parsePhoneNumberFromString(number)?.getType();
  return type === undefined ? "unknown" : typeNames[type];
}

/** ISO 3166-1 alpha-2. The main country of a shared code; nothing for codes of no country. */
export function countryOf(number: PhoneNumber): string | undefined {
  return factsOf(number)?.country;
}

function factsOf(text: string): NumberFacts | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined;
  if (!/^\+[1-9]\d{7,14}$/.test(text)) return factsByText.get(text, readFacts);
  // No rule of a numbering plan looks at the last three digits: a test holds it.
  const block = factsByBlock.get(text.slice(0, -BLOCK_DIGITS), readBlock);
  if (block === "rewritten") return factsByText.get(text, readFacts);
  return block && { number: text as PhoneNumber, country: block.country };
}

/** Where a block of a thousand numbers belongs; some plans drop a prefix that people still write. */
function readBlock(prefix: string): NumberFacts | "rewritten" | undefined {
  const first = prefix + "0".repeat(BLOCK_DIGITS);
  const facts = readFacts(first);
  return facts === undefined || facts.number === first ? facts : "rewritten";
}

function readFacts(text: string): NumberFacts | undefined {
  if (!/^ ?\+?[\d(][\d\s().-]+$/.test(text)) return undefined;
  const hasPlus = text.includes("+");
  const digits = text.replace(/\D/g, "");
  const parsed = parsePhoneNumberFromString(`+${withoutRetiredPrefix(digits)}`);
  if (parsed === undefined || !(hasPlus ? parsed.isPossible() : parsed.isValid())) return undefined;
  return {
    number: parsed.number as string as PhoneNumber,
    country: parsed.country ?? parsed.getPossibleCountries()[0],
  };
}

// Mexico wrote a 1 before its mobile numbers until 2019; address books still do.
function withoutRetiredPrefix(digits: string): string {
  return /^521\d{10}$/.test(digits) ? `52${digits.slice(3)}` : digits;
}

const typeNames = {
  MOBILE: "mobile",
  FIXED_LINE: "landline",
  FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
  TOLL_FREE: "toll_free",
  VOIP: "voip",
  PERSONAL_NUMBER: "personal",
  PREMIUM_RATE: "premium",
  SHARED_COST: "shared_cost",
  UAN: "uan",
  VOICEMAIL: "voicemail",
  PAGER: "pager",
} as const satisfies Record<NonNullable<ReturnType<ParsedNumber["getType"]>>, NumberType>;
