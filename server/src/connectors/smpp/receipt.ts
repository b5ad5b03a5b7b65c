import { type ShortMessage, tlvs } from "../../smpp/pdus.ts";
import type { Receipt, ReceiptStatus } from "../connector.ts";
import { codingOf } from "./data-coding.ts";
import { type ErrorCodes, errorCodeOf } from "./error-codes.ts";

/** esm_class: the type of a deliver_sm (SMPP 3.4, section 5.2.12). */
const TYPE_MASK = 0x3c;
const RECEIPT = 0x04;
const INTERMEDIATE = 0x20;

type State = { readonly status: ReceiptStatus; readonly errorCode?: number };

const sent: State = { status: "sent" };
const delivered: State = { status: "delivered" };
const expired: State = { status: "undelivered", errorCode: 30003 };
const undeliverable: State = { status: "undelivered", errorCode: 30005 };
const rejected: State = { status: "undelivered", errorCode: 30007 };
const unclear: State = { status: "undelivered", errorCode: 30008 };

/** message_state (section 5.2.28) with its word in the text (appendix B); 0 and 9 are of 5.0. */
const states: readonly (readonly [word: string, State])[] = [
  ["SCHEDULED", sent],
  ["ENROUTE", sent],
  ["DELIVRD", delivered],
  ["EXPIRED", expired],
  ["DELETED", unclear],
  ["UNDELIV", undeliverable],
  ["ACCEPTD", sent],
  ["UNKNOWN", sent],
  ["REJECTD", rejected],
  ["SKIPPED", unclear],
];
/** The same as carriers also spell it. A word that is not here says nothing final. */
const words: ReadonlyMap<string, State> = new Map([
  ...states,
  ...([
    ["DELIVERED", delivered],
    ["DELIVERD", delivered],
    ["UNDELIVERABLE", undeliverable],
    ["UNDELIVERED", undeliverable],
    ["UNDELIVRD", undeliverable],
    ["ACCEPTED", sent],
    ["BUFFERED", sent],
    ["BUFFRED", sent],
    ["REJECTED", rejected],
    ["REJECT", rejected],
    ["EXPIRD", expired],
    ["FAILED", unclear],
    ["FAIL", unclear],
    ["ERROR", unclear],
  ] as const),
]);

/**
 * By its type, its TLV, or, of carriers that leave the type empty, by its text: that must begin as a
 * receipt does and hold a state and a date, so that no ordinary text from a phone passes for one.
 */
export function isReceipt(pdu: ShortMessage): boolean {
  const type = pdu.esmClass & TYPE_MASK;
  if (type === RECEIPT || type === INTERMEDIATE) return true;
  if (pdu.tlvs.has(tlvs.receipted_message_id)) return true;
  return type === 0 && /^id:\S+ .*\bdone date:\d.*\bstat:\w/i.test(textOf(pdu));
}

/** A receipt by TLV and by text, whichever is there; fields of the text in any order. */
export function readReceipt(pdu: ShortMessage, errorCodes: ErrorCodes = {}): Receipt | undefined {
  const fields = readFields(textOf(pdu));
  const carrierMessageId = readTlvText(pdu, tlvs.receipted_message_id) ?? fields.id;
  const number = pdu.tlvs.get(tlvs.message_state)?.[0];
  const [numberWord, numberState] = (number === undefined ? undefined : states[number]) ?? [];
  const word = fields.stat?.toUpperCase() ?? numberWord ?? number?.toString();
  if (carrierMessageId === undefined || word === undefined) return undefined;
  const state = words.get(word) ?? numberState ?? sent;
  const network = readNetworkError(pdu);
  const error = fields.err ?? network?.text;
  return {
    carrierMessageId,
    status: state.status,
    errorCode:
      state.errorCode && errorCodeOf({ carrier: error, network }, errorCodes, state.errorCode),
    carrierCode: error === undefined ? word : `${word} ${error}`,
    doneDate: readDate(fields.doneDate),
  };
}

function textOf(pdu: ShortMessage): string {
  const payload = pdu.tlvs.get(tlvs.message_payload);
  const bytes = pdu.shortMessage.length > 0 ? pdu.shortMessage : (payload ?? pdu.shortMessage);
  if (codingOf(pdu.dataCoding, "latin1") !== "ucs2") return bytes.toString("latin1");
  return Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString("utf16le");
}

type Fields = { id?: string; stat?: string; err?: string; doneDate?: string };

/** By the first letter of their labels. */
const names: Readonly<Record<string, keyof Fields>> = {
  ...{ i: "id", s: "stat", e: "err", d: "doneDate" },
};
const anyLabel = "(?:id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text)\\s*:";
/** A label that we read and what stands behind it, which is nothing where the next label does. */
const labelled = new RegExp(
  `(?:^|[\\s,;])(id|stat|err|done[ _]?date)\\s*:(?:\\s+(?!${anyLabel}))?([^\\s,;\\0]*)`,
  "gi",
);

/** The first value of each label. */
function readFields(text: string): Fields {
  const fields: Fields = {};
  labelled.lastIndex = 0;
  for (let found = labelled.exec(text); found !== null; found = labelled.exec(text)) {
    const [, label = "", value = ""] = found;
    const name = names[label.charAt(0).toLowerCase()];
    if (name !== undefined && value !== "") fields[name] ??= value;
  }
  return fields;
}

function readTlvText(pdu: ShortMessage, tag: number): string | undefined {
  const value = pdu.tlvs.get(tag)?.toString("latin1").replace(/\0+$/, "").trim();
  return value === "" ? undefined : value;
}

/** A network type and a code of two octets (section 5.3.2.31); some send three digits instead. */
function readNetworkError(pdu: ShortMessage) {
  const value = pdu.tlvs.get(tlvs.network_error_code);
  if (value?.length !== 3) return undefined;
  const digits = value.toString("latin1");
  if (/^\d{3}$/.test(digits)) return { type: 0, code: Number(digits), text: digits };
  const code = value.readUInt16BE(1);
  return { type: value[0] ?? 0, code, text: String(code).padStart(3, "0") };
}

/** yyMMddHHmm[ss]; a date of noughts is none, and a century is left out. */
function readDate(text: string | undefined): string | undefined {
  if (text === undefined || /^0+$/.test(text)) return undefined;
  return /^\d{14}$/.test(text) ? text.slice(2) : text;
}
