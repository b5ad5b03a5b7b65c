import { type ShortMessage, tlvs } from "../../smpp/pdus.ts";
import type { Receipt, ReceiptStatus } from "../connector.ts";

/** esm_class of a delivery receipt (SMPP 3.4, section 5.2.12). */
const RECEIPT_MASK = 0x3c;
const RECEIPT = 0x04;

/** message_state (section 5.2.28) and its word in the text (appendix B). */
const states: Readonly<Record<string, { status: ReceiptStatus; errorCode?: number }>> = {
  ENROUTE: { status: "sent" },
  ACCEPTD: { status: "sent" },
  DELIVRD: { status: "delivered" },
  EXPIRED: { status: "undelivered", errorCode: 30003 },
  DELETED: { status: "undelivered", errorCode: 30008 },
  UNDELIV: { status: "undelivered", errorCode: 30005 },
  UNKNOWN: { status: "sent" },
  REJECTD: { status: "undelivered", errorCode: 30007 },
};
const stateWords = [
  "",
  "ENROUTE",
  "DELIVRD",
  "EXPIRED",
  "DELETED",
  "UNDELIV",
  "ACCEPTD",
  "UNKNOWN",
  "REJECTD",
];

export function isReceipt(pdu: ShortMessage): boolean {
  return (pdu.esmClass & RECEIPT_MASK) === RECEIPT || pdu.tlvs.has(tlvs.receipted_message_id);
}

/** A receipt by TLV and by text, whichever is there; fields of the text in any order. */
export function readReceipt(pdu: ShortMessage): Receipt | undefined {
  const text = (pdu.tlvs.get(tlvs.message_payload) ?? pdu.shortMessage).toString("latin1");
  const id = readTlvText(pdu, tlvs.receipted_message_id) ?? field(text, "id");
  const number = pdu.tlvs.get(tlvs.message_state)?.[0];
  const word = field(text, "stat")?.toUpperCase() ?? stateWords[number ?? 0];
  if (id === undefined || word === undefined) return undefined;
  const state = states[word.slice(0, 7)] ?? { status: "undelivered", errorCode: 30008 };
  const error = field(text, "err");
  return {
    carrierMessageId: id,
    status: state.status,
    errorCode: state.errorCode,
    carrierCode: error === undefined ? word : `${word} ${error}`,
    doneDate: field(text, "done date"),
  };
}

function readTlvText(pdu: ShortMessage, tag: number): string | undefined {
  const value = pdu.tlvs.get(tag)?.toString("latin1").replace(/\0+$/, "");
  return value === "" ? undefined : value;
}

function field(text: string, name: string): string | undefined {
  return new RegExp(`(?:^|\\s)${name}:\\s*(\\S+)`, "i").exec(text)?.[1];
}
