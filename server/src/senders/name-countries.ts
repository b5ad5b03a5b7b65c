/**
 * Countries whose networks refuse or replace a name as the sender, as carriers' country lists had it
 * in 2023: Amazon's of SNS or Telnyx's, where one of them says so. Elsewhere the carrier decides.
 */
const refusing: ReadonlySet<string> = new Set([
  ...["AR", "BE", "BG", "BO", "BR", "BS", "BZ", "CA", "CG", "CL", "CN", "CO", "CR", "DO", "EC"],
  ...["FM", "GT", "GU", "HN", "HU", "KN", "KR", "KY", "LC", "LR", "MC", "MH", "MX", "MY", "MZ"],
  ...["NI", "NZ", "PA", "PE", "PR", "PY", "SV", "TM", "TW", "UA", "US", "UY", "VE", "VI", "ZA"],
]);

/** Whether phones of a country, ISO 3166-1 alpha-2, show a name as the sender. */
export function takesNames(country: string | undefined): boolean {
  return country !== undefined && !refusing.has(country);
}
