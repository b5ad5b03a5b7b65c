import { getCountries, getCountryCallingCode } from "libphonenumber-js/max";

export type Country = {
  /** ISO 3166-1 alpha-2. */
  readonly code: string;
  /** With its plus; several countries may share one. */
  readonly prefix: string;
};

/** Every country that has phone numbers, by its code. */
export const countries: readonly Country[] = getCountries()
  .map((code) => ({ code, prefix: `+${getCountryCallingCode(code)}` }))
  .sort((a, b) => (a.code < b.code ? -1 : 1));

const codes: ReadonlySet<string> = new Set(countries.map(({ code }) => code));

export function isCountry(code: string): boolean {
  return codes.has(code);
}
