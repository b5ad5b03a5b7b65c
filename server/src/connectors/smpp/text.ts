import { decodeGsm7, encodeGsm7 } from "../../segments/gsm7-octets.ts";
import { type ShortMessage, tlvs } from "../../smpp/pdus.ts";
import type { InboundPart, Submission } from "../connector.ts";

const UCS2 = 8;
const LATIN1 = 3;
/** esm_class bit: the text begins with a user data header (SMPP 3.4, section 5.2.12). */
const UDHI = 0x40;

/** The text of a part with its concatenation header (3GPP TS 23.040, 9.2.3.24.1). */
export function encodeText(submission: Submission) {
  const isUcs2 = submission.encoding === "UCS-2";
  const text = isUcs2 ? encodeUcs2(submission.text) : encodeGsm7(submission.text);
  const dataCoding = isUcs2 ? UCS2 : 0;
  if (submission.parts === 1) return { dataCoding, esmClass: 0, shortMessage: text };
  const { reference, parts, part } = submission;
  const header = Buffer.from([5, 0, 3, reference & 0xff, parts, part]);
  return { dataCoding, esmClass: UDHI, shortMessage: Buffer.concat([header, text]) };
}

export function encodeUcs2(text: string): Buffer {
  return Buffer.from(text, "utf16le").swap16();
}

/** A text from a phone, or one part of one: by UDH, by SAR TLVs, or whole. */
export function decodeText(pdu: ShortMessage): Omit<InboundPart, "sender" | "recipient"> {
  const bytes = pdu.tlvs.get(tlvs.message_payload) ?? pdu.shortMessage;
  const headerBytes = (pdu.esmClass & UDHI) !== 0 ? (bytes[0] ?? 0) + 1 : 0;
  const concatenation = readHeader(bytes.subarray(1, headerBytes)) ??
    readSar(pdu) ?? { reference: 0, total: 1, part: 1 };
  return { ...concatenation, text: decodeBytes(bytes.subarray(headerBytes), pdu.dataCoding) };
}

function decodeBytes(bytes: Buffer, dataCoding: number): string {
  if (dataCoding === UCS2) {
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString("utf16le");
  }
  return dataCoding === LATIN1 ? bytes.toString("latin1") : decodeGsm7(bytes);
}

type Concatenation = { reference: number; total: number; part: number };

/** Information elements 0 (8-bit reference) and 8 (16-bit). */
function readHeader(elements: Buffer): Concatenation | undefined {
  for (let at = 0; at + 2 <= elements.length; at += 2 + (elements[at + 1] ?? 0)) {
    const [id, length] = [elements[at], elements[at + 1]];
    const data = elements.subarray(at + 2, at + 2 + (length ?? 0));
    if (id === 0 && data.length === 3) {
      return valid({ reference: data[0] ?? 0, total: data[1] ?? 0, part: data[2] ?? 0 });
    }
    if (id === 8 && data.length === 4) {
      return valid({ reference: data.readUInt16BE(0), total: data[2] ?? 0, part: data[3] ?? 0 });
    }
  }
  return undefined;
}

function readSar(pdu: ShortMessage): Concatenation | undefined {
  const reference = pdu.tlvs.get(tlvs.sar_msg_ref_num);
  const total = pdu.tlvs.get(tlvs.sar_total_segments)?.[0];
  const part = pdu.tlvs.get(tlvs.sar_segment_seqnum)?.[0];
  if (reference?.length !== 2 || total === undefined || part === undefined) return undefined;
  return valid({ reference: reference.readUInt16BE(0), total, part });
}

function valid(concatenation: Concatenation): Concatenation | undefined {
  const { total, part } = concatenation;
  return total >= 1 && part >= 1 && part <= total ? concatenation : undefined;
}
