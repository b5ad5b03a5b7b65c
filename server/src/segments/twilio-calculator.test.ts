import { SegmentedMessage } from "sms-segments-calculator";
import { expect, test } from "vitest";
import { segmentBody, splitBody } from "./segment.ts";

const BODIES = 100_000;
const SEED = 20261124;

/** Twilio's calculator keeps a grapheme cluster in one segment; a carrier knows code units only. */
const namedDifferences = {
  clusterKeptWhole: (body: string) => clusterPattern.test(body),
};
// Whatever joins a neighbour into one grapheme: joiners, combining marks, variation selectors,
// skin tones, flags.
const clusterPattern =
  /[\u200d\ufe0f\u20e3\u0300-\u036f]|\p{Emoji_Modifier}|\p{Regional_Indicator}/u;

test("100,000 random bodies count as Twilio's calculator does, but for the named difference", () => {
  const random = createRandom(SEED);
  let explained = 0;
  for (let count = 0; count < BODIES; count += 1) {
    const body = randomBody(random);
    const twilio = new SegmentedMessage(body);
    const ours = segmentBody(body);
    if (ours.encoding !== twilio.encodingName) expect.fail(JSON.stringify(body));
    if (ours.segments !== twilio.segmentsCount) {
      if (!namedDifferences.clusterKeptWhole(body)) expect.fail(JSON.stringify(body));
      explained += 1;
    }
  }
  expect(explained).toBeGreaterThan(0);
  expect(explained).toBeLessThan(BODIES / 50);
}, 300_000);

test("the parts of random bodies fit a segment, join to the body and number what was counted", () => {
  const random = createRandom(SEED + 1);
  for (let count = 0; count < BODIES; count += 1) {
    const body = randomBody(random);
    const { parts } = splitBody(body);
    const isOkay =
      parts.join("") === body &&
      parts.length === segmentBody(body).segments &&
      parts.every((part) => segmentBody(part).segments === 1 && !/\p{Surrogate}/u.test(part));
    if (!isOkay) expect.fail(JSON.stringify(body));
  }
});

const gsm = [..."abcdefghijklmnopqrstuvwxyz ABCDEFGHIJ0123456789.,:;!?@£$ÄÖÜñà¿§Δ", "\n", "\r\n"];
const extension = [..."^{}\\[~]|€\f"];
const unicode = [..."жçáő“”—…日本語عر"];
const emoji = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "❤️", "🧑‍🚀", "1️⃣"];
const combining = ["e\u0301", "n\u0303", "u\u0308\u0304"];

/** Each body draws from one of these mixes; the first two stay GSM-7. */
const mixes = [
  gsm,
  [...gsm, ...extension],
  [...gsm, ...unicode],
  [...gsm, ...extension, ...emoji],
  [...gsm, ...unicode, ...combining],
];

function randomBody(random: () => number): string {
  const mix = mixes[Math.floor(random() * mixes.length)] ?? gsm;
  // Mostly one to three segments, where the boundaries are; the oracle does some 200 of these a second.
  const length = Math.floor(random() ** 3 * 220);
  let body = "";
  for (let index = 0; index < length; index += 1) {
    body += mix[Math.floor(random() * mix.length)] ?? "";
  }
  return body;
}

/** Mulberry32: the same seed gives the same bodies. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
