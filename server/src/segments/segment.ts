import { countSeptets, septetsOf } from "./gsm7.ts";

export type Encoding = "GSM-7" | "UCS-2";

export type Segmentation = {
  readonly encoding: Encoding;
  /** At least 1: an empty text is a text. */
  readonly segments: number;
  /** Septets in GSM-7, UTF-16 code units in UCS-2, without headers. */
  readonly units: number;
};

/**
 * Units in the 140 octets of one segment: alone, and as a part behind the six octets of a
 * concatenation header with an 8-bit reference (3GPP TS 23.040, 9.2.3.24.1).
 */
const unitsMax = {
  "GSM-7": { alone: 160, part: 153 },
  "UCS-2": { alone: 70, part: 67 },
} as const satisfies Record<Encoding, { alone: number; part: number }>;

/** Counts the segments of a body exactly as `splitBody` would cut it. */
export function segmentBody(body: string): Segmentation {
  const { encoding, units } = measureBody(body);
  if (units <= unitsMax[encoding].alone) return { encoding, segments: 1, units };
  let segments = 0;
  for (let start = 0; start < body.length; start = partEnd(body, encoding, start)) segments += 1;
  return { encoding, segments, units };
}

/**
 * Cuts a body into the parts to be sent: no extension character and no surrogate pair is cut. With
 * `fewer` each part holds so many units less, for a longer header.
 */
export function splitBody(body: string, fewer = 0): { encoding: Encoding; parts: string[] } {
  const { encoding, units } = measureBody(body);
  if (units <= unitsMax[encoding].alone) return { encoding, parts: [body] };
  const parts: string[] = [];
  for (let start = 0; start < body.length; ) {
    const end = partEnd(body, encoding, start, fewer);
    parts.push(body.slice(start, end));
    start = end;
  }
  return { encoding, parts };
}

/** Whether a body can be stored and sent: without NUL and without half of a surrogate pair. */
export function isCleanText(body: string): boolean {
  return !body.includes("\0") && !/\p{Surrogate}/u.test(body); // in u mode a whole pair is one character
}

function measureBody(body: string): { encoding: Encoding; units: number } {
  const septets = countSeptets(body);
  if (septets >= 0) return { encoding: "GSM-7", units: septets };
  return { encoding: "UCS-2", units: body.length };
}

/** Where the part that begins at `start` ends. */
function partEnd(body: string, encoding: Encoding, start: number, fewer = 0): number {
  const unitsOfPart = unitsMax[encoding].part - fewer;
  return encoding === "GSM-7"
    ? gsm7PartEnd(body, start, unitsOfPart)
    : ucs2PartEnd(body, start, unitsOfPart);
}

function gsm7PartEnd(body: string, start: number, septetsMax: number): number {
  let septets = 0;
  let end = start;
  while (end < body.length) {
    septets += septetsOf(body.charCodeAt(end));
    if (septets > septetsMax) break;
    end += 1;
  }
  return end;
}

function ucs2PartEnd(body: string, start: number, unitsOfPart: number): number {
  const end = start + unitsOfPart;
  if (end >= body.length) return body.length;
  const cutsPair =
    isHighSurrogate(body.charCodeAt(end - 1)) && isLowSurrogate(body.charCodeAt(end));
  return cutsPair ? end - 1 : end;
}

function isHighSurrogate(codeUnit: number): boolean {
  return codeUnit >= 0xd800 && codeUnit <= 0xdbff;
}

function isLowSurrogate(codeUnit: number): boolean {
  return codeUnit >= 0xdc00 && codeUnit <= 0xdfff;
}
