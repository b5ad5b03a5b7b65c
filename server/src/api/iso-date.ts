/** An instant as Twilio's newer APIs write it: `2026-11-24T17:18:27Z`. */
export function isoDate(at: Date): string {
  return at.toISOString().replace(/\.\d{3}/, "");
}
