/** An instant as the 2010 API writes it: `Fri, 24 May 2019 17:18:27 +0000`. */
export function rfc2822(at: Date): string {
  const second = Math.floor(at.getTime() / 1_000);
  if (second !== last.second) last = { second, text: at.toUTCString().replace("GMT", "+0000") };
  return last.text;
}

/** Most often it is the same second again. */
let last = { second: Number.NaN, text: "" };
