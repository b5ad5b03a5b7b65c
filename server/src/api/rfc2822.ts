/** An instant as the 2010 API writes it: `Fri, 24 May 2019 17:18:27 +0000`. */
export function rfc2822(at: Date): string {
  return at.toUTCString().replace("GMT", "+0000");
}
