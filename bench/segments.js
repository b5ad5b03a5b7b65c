import { prepare } from "../scripts/install.js";
import { perSecond } from "./measure.js";

const short =
  "Your Longwave code is 483920. It works for ten minutes, on this device only. Thank you!!!";
const long = "The quick brown fox [jumps] over the lazy dog. ".repeat(10).slice(0, 432);
const cyrillic = "Съешь ещё этих мягких французских булок, да выпей же чаю. Да".slice(0, 60);
const curly = `“${short.slice(0, 85)}”…`;

export const segments = {
  summary: "bodies that one core counts, splits and smart-encodes in a second",
  options: { count: 2_000_000 },
  run: async ({ count }) => {
    prepare();
    const { segmentBody, splitBody } = await import("../server/dist/segments/segment.js");
    const { smartEncode } = await import("../server/dist/segments/smart-encoding.js");
    const cases = {
      [`count ${short.length} of GSM-7`]: () => segmentBody(short),
      [`count ${long.length} of GSM-7`]: () => segmentBody(long),
      [`count ${cyrillic.length} of UCS-2`]: () => segmentBody(cyrillic),
      [`split ${long.length} of GSM-7`]: () => splitBody(long),
      [`smart-encode ${short.length} of GSM-7`]: () => smartEncode(short),
      [`smart-encode ${curly.length} with curly quotes`]: () => smartEncode(curly),
    };
    const measured = Object.entries(cases).map(([name, work]) => [name, rateOf(work, count)]);
    return { perSecond: Object.fromEntries(measured) };
  },
};

/** After a twentieth of it, which is compiled meanwhile. */
function rateOf(work, count) {
  for (let done = 0; done < count / 20; done += 1) work();
  const startedAt = performance.now();
  for (let done = 0; done < count; done += 1) work();
  return perSecond(count, (performance.now() - startedAt) / 1000);
}
