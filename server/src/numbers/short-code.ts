/** Digits of a short code by country; elsewhere between three and eight. */
const lengthsByCountry: Readonly<Record<string, { min: number; max: number }>> = {
  US: { min: 5, max: 6 },
  CA: { min: 5, max: 6 },
};
const lengthsElsewhere = { min: 3, max: 8 };

/** Whether a text has the form of a short code: digits only, no plus. Country is ISO 3166-1 alpha-2. */
export function isShortCode(text: string, country?: string): boolean {
  const { min, max } = lengthsByCountry[country ?? ""] ?? lengthsElsewhere;
  return text.length >= min && text.length <= max && /^\d+$/.test(text);
}
