/** What the carriers have said of a number's registration. */
export type RegistrationStatus = "pending" | "active" | "suspended";

/** A long code's campaign, or a toll-free number's verification. */
export type Registration = {
  readonly number: string;
  /** The registry's id of the campaign; of a toll-free number, that of its verification. */
  readonly campaign: string;
  readonly brand: string;
  /** The class that carriers put its messages in, such as AT&T's A to Z. */
  readonly class: string;
  readonly status: RegistrationStatus;
};

/** Where carriers ask for it. Guam, Samoa and the Marianas have carriers of their own. */
const unitedStates: ReadonlySet<string> = new Set(["US", "PR", "VI"]);

/** Whether a sender without registration is stopped on its way to a country. */
export function isRegistrationAsked(errorCode: number, country: string | undefined): boolean {
  if (country === undefined) return false;
  return unitedStates.has(country) || (errorCode === 30032 && country === "CA");
}
