import { invalidParameter } from "../../lib/errors.ts";
import type { Tlvs } from "../../smpp/pdus.ts";
import type { Submission } from "../connector.ts";
import { text } from "./setting-fields.ts";

/** By tag: `{"0x1400": "1001234567890123456"}`. */
export type VendorTlvs = Readonly<Record<string, string>>;

/** TLVs for the texts of some senders, or that are made from a template; both, where both are given. */
export type TlvRule = {
  readonly senders?: readonly string[];
  /** A registered text in which `{#var#}` stands for anything. */
  readonly template?: string;
  readonly tlvs: VendorTlvs;
};

const RULES_MAX = 1_000;
const SENDERS_MAX = 1_000;
const TEMPLATE_LENGTH_MAX = 2_000;
const VARIABLE = "{#var#}";

/** Tags of vendors only (section 5.3.2), as the others have a meaning of their own. */
export function parseTlvs(json: unknown): VendorTlvs {
  const given = (json ?? {}) as Record<string, unknown>;
  for (const tag of Object.keys(given)) {
    if (Number(tag) >= 0x1400 && Number(tag) <= 0x3fff) text(given, tag, 255);
    else throw invalidParameter("tlvs", "give tags from 0x1400 to 0x3fff.");
  }
  return given as VendorTlvs;
}

export function parseTlvRules(json: unknown): readonly TlvRule[] {
  if (!Array.isArray(json) || json.length > RULES_MAX) {
    throw invalidParameter("tlvRules", `give a list of at most ${RULES_MAX} rules.`);
  }
  return json.map(parseRule);
}

function parseRule(json: unknown): TlvRule {
  if (typeof json !== "object" || json === null) {
    throw invalidParameter("tlvRules", "each is an object with senders or template, and tlvs.");
  }
  const { senders, template, tlvs } = json as Record<string, unknown>;
  const isList = Array.isArray(senders) && senders.length >= 1 && senders.length <= SENDERS_MAX;
  if (senders !== undefined && !(isList && senders.every((one) => typeof one === "string"))) {
    throw invalidParameter("tlvRules", `senders is a list of 1 to ${SENDERS_MAX} senders.`);
  }
  return {
    ...(senders === undefined ? {} : { senders: senders as string[] }),
    ...(template === undefined
      ? {}
      : { template: text({ template }, "template", TEMPLATE_LENGTH_MAX) }),
    tlvs: parseTlvs(tlvs),
  };
}

/** The vendor's TLVs of each submission: those of all, and those of the first rule that fits. */
export function createVendorTlvs(settings: {
  tlvs: VendorTlvs;
  tlvRules: readonly TlvRule[];
}): (submission: Submission) => Tlvs {
  const ofAll = encoded(settings.tlvs);
  if (settings.tlvRules.length === 0) return () => ofAll;
  const rules = settings.tlvRules.map(({ senders, template, tlvs }) => ({
    senders: senders && new Set(senders),
    literals: template?.split(VARIABLE),
    tlvs: new Map([...ofAll, ...encoded(tlvs)]),
  }));
  return ({ sender, text, body = text }) => {
    const found = rules.find(
      ({ senders, literals }) =>
        (senders === undefined || senders.has(sender)) &&
        (literals === undefined || isMadeFrom(literals, body)),
    );
    return found?.tlvs ?? ofAll;
  };
}

/** As they go out: C-octet strings, as vendors use them. */
function encoded(tlvs: VendorTlvs): Tlvs {
  return new Map(
    Object.entries(tlvs).map(([tag, value]) => [Number(tag), Buffer.from(`${value}\0`, "latin1")]),
  );
}

/** Whether a text has these pieces in their order, the first at its beginning, the last at its end. */
function isMadeFrom(literals: readonly string[], body: string): boolean {
  const first = literals[0] ?? "";
  const last = literals.at(-1) ?? "";
  if (literals.length === 1) return body === first;
  if (!body.startsWith(first)) return false;
  let at = first.length;
  for (const literal of literals.slice(1, -1)) {
    const found = body.indexOf(literal, at);
    if (found === -1) return false;
    at = found + literal.length;
  }
  return body.length - last.length >= at && body.endsWith(last);
}
