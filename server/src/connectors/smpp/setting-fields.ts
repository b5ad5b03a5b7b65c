import { invalidParameter } from "../../lib/errors.ts";

export function oneOf<const Value>(
  given: Record<string, unknown>,
  name: string,
  values: readonly Value[],
): Value {
  const found = values.find((value) => value === given[name]);
  if (found !== undefined) return found;
  throw invalidParameter(name, `give one of ${values.join(", ")}.`);
}

/** Lengths are those of SMPP 3.4, section 4.1.1, without the final NUL; passwords up to 16 are common. */
export function text(given: Record<string, unknown>, name: string, max: number, min = 1): string {
  const value = given[name];
  const isText = typeof value === "string" && !value.includes("\0");
  if (isText && value.length >= min && value.length <= max) return value;
  throw invalidParameter(name, `give ${min} to ${max} characters.`);
}

export function whole(
  given: Record<string, unknown>,
  name: string,
  of: { min: number; max: number },
) {
  const value = given[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= of.min && value <= of.max) {
    return value;
  }
  throw invalidParameter(name, `give a whole number from ${of.min} to ${of.max}.`);
}

/** The name of a time zone. */
export function zone(given: Record<string, unknown>, name: string): string {
  const value = text(given, name, 64);
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: value });
    return value;
  } catch {
    throw invalidParameter(name, "give the name of a time zone, such as America/New_York.");
  }
}
