import { segmentBody, splitBody } from "../server/src/segments/segment.ts";
import { smartEncode } from "../server/src/segments/smart-encoding.ts";

const CALLS = 2_000_000;
const short =
  "Your Longwave code is 483920. It works for ten minutes, on this device only. Thank you!!!";
const cases: [string, () => unknown][] = [
  [`segmentBody, ${short.length} GSM-7 characters`, () => segmentBody(short)],
  ["segmentBody, 432 GSM-7 characters", () => segmentBody(long)],
  ["segmentBody, 60 UCS-2 characters", () => segmentBody(cyrillic)],
  ["splitBody, 432 GSM-7 characters", () => splitBody(long)],
  [`smartEncode, ${short.length} GSM-7 characters`, () => smartEncode(short)],
  ["smartEncode, 90 characters with curly quotes", () => smartEncode(curly)],
];
const long = "The quick brown fox [jumps] over the lazy dog. ".repeat(10).slice(0, 432);
const cyrillic = "Съешь ещё этих мягких французских булок, да выпей же чаю. Да".slice(0, 60);
const curly = `“${short.slice(0, 85)}”…`;

for (const [name, call] of cases) {
  for (let count = 0; count < CALLS / 20; count += 1) call();
  const startedAt = performance.now();
  for (let count = 0; count < CALLS; count += 1) call();
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${name}: ${Math.round(CALLS / seconds).toLocaleString("en")} a second`);
}
