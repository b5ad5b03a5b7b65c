/** What United States carriers take of a campaign in a second, or of a brand in a day. */
export type RegistrationLimit =
  | { readonly kind: "campaign"; readonly id: string; readonly segmentsPerSecond: number }
  | { readonly kind: "brand"; readonly id: string; readonly segmentsPerDay: number };

/** What limits a number by its registration. */
export type RegisteredLimits = {
  readonly campaign: string;
  readonly segmentsPerSecond: number | undefined;
  readonly brand: string;
  readonly segmentsPerDay: number | undefined;
};

/** Carriers begin a brand's day at midnight there. */
export const BRAND_DAY_ZONE = "America/Los_Angeles";
