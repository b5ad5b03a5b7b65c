import { invalidParameter } from "../../lib/errors.ts";
import { type ErrorCodes, parseErrorCodes } from "./error-codes.ts";
import { presets } from "./presets.ts";
import type { ReceiptIdMode } from "./receipt-ids.ts";
import { oneOf, text, whole, zone } from "./setting-fields.ts";
import { parseTlvRules, parseTlvs, type TlvRule, type VendorTlvs } from "./vendor-tlvs.ts";

const bindKinds = ["transceiver", "transmitter", "receiver"] as const;
/** What a bind may have otherwise than its connector. */
const ofOneBind = [
  ...(["systemId", "password", "systemType", "serviceType", "window"] as const),
  ...(["segmentsPerSecond", "segmentsPerMinute", "enquireLinkMs", "responseTimeoutMs"] as const),
  ...(["addressTypes", "defaultAlphabet", "concatenation", "textIn", "validity"] as const),
  "registeredDelivery",
] as const satisfies readonly (keyof SmppSettings)[];
export type BindSettings = {
  readonly as: (typeof bindKinds)[number];
  readonly host: string;
  readonly port: number;
} & Partial<Pick<SmppSettings, (typeof ofOneBind)[number]>>;
type AddressType = { readonly ton: number; readonly npi: number };

export type SmppSettings = {
  readonly host: string;
  readonly port: number;
  readonly systemId: string;
  readonly password: string;
  readonly systemType: string;
  readonly serviceType: string;
  /** TLS from the first byte on, with the host's name checked. */
  readonly tls: boolean;
  /** Whom TLS trusts instead of the known authorities, and who we are to the carrier: PEM, or empty. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** One transceiver at `host` and `port` unless others are named; 1 to 16. */
  readonly binds: readonly BindSettings[];
  /** Submissions under way at once on each bind, 1 to 1,000. A submission is one segment, or a whole text. */
  readonly window: number;
  /** Segments that each bind sends in any second, 1 to 10,000; 0: as fast as the window lets it. */
  readonly segmentsPerSecond: number;
  /** As that, in any minute, 1 to 100,000. */
  readonly segmentsPerMinute: number;
  /** Segments of all binds of all processes in a calendar day, which begins at midnight in `dayZone`. */
  readonly segmentsPerDay: number;
  readonly dayZone: string;
  readonly enquireLinkMs: number;
  readonly responseTimeoutMs: number;
  /** Type of number and numbering plan, by kind of address (SMPP 3.4, sections 5.2.5 and 5.2.6). */
  readonly addressTypes: Readonly<
    Record<"international" | "shortCode" | "alphanumeric", AddressType>
  >;
  /** What data_coding 0 means to this carrier, both ways. */
  readonly defaultAlphabet: "gsm7" | "gsm7Packed" | "latin1";
  /**
   * How the parts of a long text are marked: in the text's header, with a reference of 8 bits or where
   * the text has room for it of 16, or in SAR TLVs. With `payload` it is
   * not cut at all: the whole text is one submission, in message_payload.
   */
  readonly concatenation: "udh" | "udh16" | "sar" | "payload";
  readonly textIn: "shortMessage" | "messagePayload";
  readonly validity: "absolute" | "relative" | "none";
  readonly registeredDelivery: number;
  readonly receiptIds: ReceiptIdMode;
  /** Sends user_message_reference, which some carriers give back in the receipt. */
  readonly userMessageReference: boolean;
  /** Twilio's codes for the carrier's own, as its receipts write them: `{"027": 30003}`. */
  readonly errorCodes: ErrorCodes;
  /** A vendor's own with every submission: `{"0x1400": "1001234567890123456"}`. */
  readonly tlvs: VendorTlvs;
  /** More of them by sender or text, such as the ids of India's DLT; the first that fits counts. */
  readonly tlvRules: readonly TlvRule[];
};

const defaults = {
  ...{ systemType: "", serviceType: "", tls: false, window: 100, segmentsPerSecond: 0 },
  ...{ segmentsPerMinute: 0, segmentsPerDay: 0, dayZone: "Etc/UTC" },
  ...{ enquireLinkMs: 30_000, responseTimeoutMs: 10_000, registeredDelivery: 1 },
  ...{ defaultAlphabet: "gsm7", concatenation: "udh", textIn: "shortMessage" },
  ...{ validity: "absolute", receiptIds: "auto", addressTypes: {}, tlvs: {}, tlvRules: [] },
  ...{ ca: "", certificate: "", key: "", userMessageReference: false, errorCodes: {} },
};
const addressDefaults = {
  international: { ton: 1, npi: 1 },
  shortCode: { ton: 3, npi: 0 },
  alphanumeric: { ton: 5, npi: 0 },
};
const BINDS_MAX = 16;

/** Settings of an SMPP connector from JSON, its own output too; 20001 with the name of what is wrong. */
export function parseSmppSettings(json: unknown): SmppSettings {
  if (typeof json !== "object" || json === null) {
    throw invalidParameter("Settings", "give an object with host, port, systemId and password.");
  }
  const { preset } = json as { preset?: unknown };
  const given = { ...defaults, ...presetOf(preset), ...json } as Record<string, unknown>;
  return { ...parseFields(given), binds: parseBinds(given) };
}

function parseFields(given: Record<string, unknown>): Omit<SmppSettings, "binds"> {
  return {
    host: text(given, "host", 255),
    port: whole(given, "port", { min: 1, max: 65_535 }),
    systemId: text(given, "systemId", 15),
    password: text(given, "password", 16),
    systemType: text(given, "systemType", 12, 0),
    serviceType: text(given, "serviceType", 5, 0),
    tls: oneOf(given, "tls", [true, false]),
    ...parseCredentials(given),
    window: whole(given, "window", { min: 1, max: 1_000 }),
    segmentsPerSecond: whole(given, "segmentsPerSecond", { min: 0, max: 10_000 }),
    segmentsPerMinute: whole(given, "segmentsPerMinute", { min: 0, max: 100_000 }),
    segmentsPerDay: whole(given, "segmentsPerDay", { min: 0, max: 1_000_000_000 }),
    dayZone: zone(given, "dayZone"),
    enquireLinkMs: whole(given, "enquireLinkMs", { min: 1_000, max: 600_000 }),
    responseTimeoutMs: whole(given, "responseTimeoutMs", { min: 1_000, max: 120_000 }),
    addressTypes: parseAddressTypes(given.addressTypes),
    defaultAlphabet: oneOf(given, "defaultAlphabet", ["gsm7", "gsm7Packed", "latin1"]),
    concatenation: oneOf(given, "concatenation", ["udh", "udh16", "sar", "payload"]),
    textIn: oneOf(given, "textIn", ["shortMessage", "messagePayload"]),
    validity: oneOf(given, "validity", ["absolute", "relative", "none"]),
    registeredDelivery: whole(given, "registeredDelivery", { min: 0, max: 255 }),
    receiptIds: oneOf(given, "receiptIds", ["auto", "same", "hexToDecimal", "decimalToHex"]),
    userMessageReference: oneOf(given, "userMessageReference", [true, false]),
    errorCodes: parseErrorCodes(given.errorCodes),
    tlvs: parseTlvs(given.tlvs),
    tlvRules: parseTlvRules(given.tlvRules),
  };
}

function presetOf(name: unknown): object {
  if (name === undefined) return {};
  const found = presets.find((preset) => preset.name === name);
  if (found !== undefined) return found.settings;
  const names = presets.map((preset) => preset.name).join(", ");
  throw invalidParameter("preset", `give one of ${names}.`);
}

function parseBinds(given: Record<string, unknown>): BindSettings[] {
  const json = given.binds ?? [{}];
  const isList = Array.isArray(json) && json.length >= 1 && json.length <= BINDS_MAX;
  if (!isList) throw invalidParameter("binds", `give 1 to ${BINDS_MAX} binds.`);
  const binds = json.map((bind: unknown) => parseBind(given, { ...(bind as object) }));
  if (binds.some(({ as }) => as !== "receiver")) return binds;
  throw invalidParameter("binds", "name at least one transmitter or transceiver.");
}

function parseBind(ofAll: Record<string, unknown>, own: Record<string, unknown>): BindSettings {
  const given: Record<string, unknown> = { ...ofAll, as: "transceiver", ...own };
  const { host, port, ...fields } = parseFields(given);
  // A whole text is one submission, before it is known by which bind it goes.
  if ((given.concatenation === "payload") !== (ofAll.concatenation === "payload")) {
    throw invalidParameter("concatenation", "give payload to all binds of a connector or to none.");
  }
  const others = ofOneBind.filter((name) => own[name] !== undefined);
  return {
    ...{ as: oneOf(given, "as", bindKinds), host, port },
    ...Object.fromEntries(others.map((name) => [name, fields[name]])),
  };
}

function parseAddressTypes(json: unknown): SmppSettings["addressTypes"] {
  const given = (typeof json === "object" ? json : {}) as Record<string, unknown>;
  const type = (name: keyof typeof addressDefaults): AddressType => {
    const one = { ...addressDefaults[name], ...(given[name] as object | undefined) };
    return {
      ton: whole(one, "ton", { min: 0, max: 255 }),
      npi: whole(one, "npi", { min: 0, max: 255 }),
    };
  };
  return {
    international: type("international"),
    shortCode: type("shortCode"),
    alphanumeric: type("alphanumeric"),
  };
}

const PEM_LENGTH_MAX = 65_536;

function parseCredentials(given: Record<string, unknown>) {
  const pem = (name: string) => text(given, name, PEM_LENGTH_MAX, 0);
  const [ca, certificate, key] = [pem("ca"), pem("certificate"), pem("key")];
  if ((certificate === "") !== (key === "")) {
    throw invalidParameter("certificate", "give it together with its key.");
  }
  return { ca, certificate, key };
}
