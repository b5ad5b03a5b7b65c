import type { Price } from "../connector.ts";
import type { Condition, Pointer, PricePlace } from "./definition.ts";

/** The text at a place of JSON; nothing where there is none. Numbers are told as texts. */
export function readAt(json: unknown, pointer: Pointer): string | undefined {
  let found = json;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  if (typeof found === "number" || typeof found === "boolean") return String(found);
  return typeof found === "string" ? found : undefined;
}

export function holds(json: unknown, condition: Condition | undefined): boolean {
  return Object.entries(condition ?? {}).every(([pointer, values]) =>
    values.includes(readAt(json, pointer) ?? ""),
  );
}

/**
 * The provider's code: the digits at the end of the first place that has some, as codes may end an
 * address; else the first place's word.
 */
export function readCode(json: unknown, places: readonly Pointer[]): string | undefined {
  const values = places.map((place) => readAt(json, place)).filter((value) => value);
  const digits = values.map((value) => /(\d+)$/.exec(value ?? "")?.[1]);
  return digits.find((found) => found !== undefined) ?? values[0];
}

/** A price as a cost: some write what they take from the balance, with a minus sign. */
export function readPrice(json: unknown, place: PricePlace): Price | undefined {
  const [, whole, part = ""] =
    /^-?(\d{1,9})(?:\.(\d+))?$/.exec(readAt(json, place.amount) ?? "") ?? [];
  const currency = readAt(json, place.currency)?.toUpperCase();
  if (whole === undefined || currency === undefined) return undefined;
  return { micros: BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, "0").slice(0, 6)), currency };
}
