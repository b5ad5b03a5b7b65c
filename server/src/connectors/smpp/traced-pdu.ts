import { SmppDecodeError } from "../../smpp/decode-pdu.ts";
import { layouts } from "../../smpp/layouts.ts";
import {
  type Destination,
  emptyMessage,
  type Pdu,
  type ShortMessage,
  type Tlvs,
  tlvs,
} from "../../smpp/pdus.ts";
import type { TracedPdu } from "../connector.ts";
import { isReceipt, readReceipt } from "./receipt.ts";
import type { SmppSettings } from "./settings.ts";
import { decodeText } from "./text.ts";

type Described = Pick<TracedPdu, "command" | "sequence" | "status" | "fields">;
type How = { readonly isClear: boolean; readonly alphabet: SmppSettings["defaultAlphabet"] };
type Fields = Record<string, string | number>;

/** A PDU in words: what is not empty or zero, with bodies and numbers masked unless asked for. */
export function describePdu(pdu: Pdu | SmppDecodeError, how: How): Described {
  if (pdu instanceof SmppDecodeError) {
    const { command = "unknown", sequence, status, message } = pdu;
    return { command, sequence, status, fields: { error: message } };
  }
  const { command, sequence, status } = pdu;
  const fields: Fields = {};
  if (pdu.command === "deliver_sm" || pdu.command === "data_sm") {
    describeReceipt({ ...emptyMessage, ...pdu }, fields);
  }
  for (const [name] of layouts[command]) {
    const value = (pdu as unknown as Record<string, unknown>)[name];
    if (value === undefined || value === "" || value === 0) continue;
    if (typeof value === "number") fields[name] = value;
    else if (typeof value === "string") fields[name] = textField(name, value, how);
    else if (Array.isArray(value)) fields[name] = listField(value, how);
    else if (value instanceof Map) describeTlvs(value, how, fields);
    else if (value instanceof Buffer) describeText(pdu, value, how, fields);
  }
  return { command, sequence, status, fields };
}

const numberFields: ReadonlySet<string> = new Set(["source", "dest", "esme", "addressRange"]);
const NUMBER_ENDS_WITH = 2;

function textField(name: string, value: string, { isClear }: How): string {
  if (name === "password") return "***";
  return numberFields.has(name) && !isClear ? masked(value) : value;
}

/** Its last two characters, so that two numbers can be told apart. */
function masked(number: string): string {
  const shown = number.length > 2 * NUMBER_ENDS_WITH ? number.slice(-NUMBER_ENDS_WITH) : "";
  return "*".repeat(number.length - shown.length) + shown;
}

function listField(list: readonly Partial<Destination>[], { isClear }: How): string {
  const addresses = list.map((one) => {
    if ("name" in one) return one.name ?? "";
    const address = "address" in one ? (one.address ?? "") : "";
    return isClear ? address : masked(address);
  });
  return addresses.join(" ");
}

function describeText(pdu: Pdu, octets: Buffer, how: How, fields: Fields): void {
  if (octets.length === 0) return;
  fields.shortMessage = how.isClear ? clearText(pdu, octets, how) : `${octets.length} octets`;
}

/** Of a receipt what it says of which message; it may quote a piece of the text. */
function describeReceipt(pdu: ShortMessage, fields: Fields): void {
  const receipt = isReceipt(pdu) ? readReceipt(pdu) : undefined;
  if (receipt !== undefined) fields.receipt = `${receipt.carrierMessageId} ${receipt.carrierCode}`;
}

function clearText(pdu: Pdu, octets: Buffer, { alphabet }: How): string {
  if (!("esmClass" in pdu && "shortMessage" in pdu)) return octets.toString("latin1");
  return decodeText(pdu as ShortMessage, { defaultAlphabet: alphabet }).text;
}

const tlvNames = new Map(Object.entries(tlvs).map(([name, tag]) => [tag as number, name]));
const textTlvs: ReadonlySet<number> = new Set([
  ...[tlvs.receipted_message_id, tlvs.additional_status_info_text],
]);
const privateTlvs: ReadonlySet<number> = new Set([
  ...[tlvs.message_payload, tlvs.callback_num, tlvs.callback_num_atag],
  ...[tlvs.source_subaddress, tlvs.dest_subaddress],
]);
const VENDOR_TAG_MIN = 0x1400;

function describeTlvs(all: Tlvs, { isClear }: How, fields: Fields): void {
  for (const [tag, value] of all) {
    const name = tlvNames.get(tag) ?? `0x${tag.toString(16).padStart(4, "0")}`;
    if (privateTlvs.has(tag) && !isClear) fields[name] = `${value.length} octets`;
    else if (textTlvs.has(tag) || tag >= VENDOR_TAG_MIN || tag === tlvs.message_payload) {
      fields[name] = value.toString("latin1").replace(/\0$/, "");
    } else fields[name] = value.toString("hex");
  }
}
