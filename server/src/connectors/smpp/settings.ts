import { invalidParameter } from "../../lib/errors.ts";

export type SmppSettings = {
  readonly host: string;
  readonly port: number;
  readonly systemId: string;
  readonly password: string;
  readonly systemType: string;
  /** Submissions under way at once, 1 to 1,000. */
  readonly window: number;
  readonly enquireLinkMs: number;
  readonly responseTimeoutMs: number;
};

const defaults = { systemType: "", window: 100, enquireLinkMs: 30_000, responseTimeoutMs: 10_000 };

/** Settings of an SMPP connector from JSON; 20001 with the name of what is wrong. */
export function parseSmppSettings(json: unknown): SmppSettings {
  if (typeof json !== "object" || json === null) {
    throw invalidParameter("Settings", "give an object with host, port, systemId and password.");
  }
  const given = { ...defaults, ...json } as Record<string, unknown>;
  return {
    host: text(given, "host", 255),
    port: whole(given, "port", { min: 1, max: 65_535 }),
    systemId: text(given, "systemId", 15),
    password: text(given, "password", 8),
    systemType: text(given, "systemType", 12, 0),
    window: whole(given, "window", { min: 1, max: 1_000 }),
    enquireLinkMs: whole(given, "enquireLinkMs", { min: 1_000, max: 600_000 }),
    responseTimeoutMs: whole(given, "responseTimeoutMs", { min: 1_000, max: 120_000 }),
  };
}

/** Lengths are those of SMPP 3.4, section 4.1.1, without the final NUL. */
function text(given: Record<string, unknown>, name: string, max: number, min = 1): string {
  const value = given[name];
  const isText = typeof value === "string" && !value.includes("\0");
  if (isText && value.length >= min && value.length <= max) return value;
  throw invalidParameter(name, `give ${min} to ${max} characters.`);
}

function whole(given: Record<string, unknown>, name: string, of: { min: number; max: number }) {
  const value = given[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= of.min && value <= of.max) {
    return value;
  }
  throw invalidParameter(name, `give a whole number from ${of.min} to ${of.max}.`);
}
