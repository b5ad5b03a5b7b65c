import { encodeGsm7 } from "../../segments/gsm7-octets.ts";
import { splitBody } from "../../segments/segment.ts";
import { noTlvs, type ShortMessage, type Tlvs, tlvs } from "../../smpp/pdus.ts";
import type { InboundPart, Submission } from "../connector.ts";
import { type CodedText, codingOf } from "./data-coding.ts";
import { decodeNationalGsm7, type NationalTables } from "./national-gsm7.ts";
import { packSeptets, unpackSeptets } from "./septets.ts";
import type { SmppSettings } from "./settings.ts";

const UCS2 = 8;
/** Message class 0: shown at once and not kept (3GPP TS 23.038, 4). */
const FLASH = 0x10;
/** esm_class bit: the text begins with a user data header (SMPP 3.4, section 5.2.12). */
const UDHI = 0x40;

type Dialect = Pick<SmppSettings, "defaultAlphabet" | "concatenation" | "textIn">;
const plainDialect: Dialect = {
  ...{ defaultAlphabet: "gsm7", concatenation: "udh", textIn: "shortMessage" },
};

type EncodedText = Pick<ShortMessage, "dataCoding" | "esmClass" | "shortMessage"> & { tlvs: Tlvs };

/** What a phone takes at once; as characters of one octet each, or packed (3GPP TS 23.040, 9.2.3.24). */
const ALONE_OCTETS_MAX = { unpacked: 160, packed: 140 };

/**
 * The text of a part with its concatenation header (3GPP TS 23.040, 9.2.3.24.1). A whole text that is
 * longer than a segment stands in message_payload, for the carrier to cut.
 */
export function encodeText(submission: Submission, dialect = plainDialect): EncodedText {
  const { parts, encoding } = submission;
  const hasHeader = parts > 1 && dialect.concatenation !== "sar";
  const wide = hasHeader && dialect.concatenation === "udh16" ? widePart(submission) : undefined;
  const header = hasHeader ? headerOf(submission, wide !== undefined) : noBytes;
  const outgoing = wide === undefined ? submission : { encoding, text: wide };
  const text = encodeCharacters(outgoing, dialect.defaultAlphabet, header.length);
  const octets = hasHeader ? Buffer.concat([header, text]) : text;
  const isPayload = dialect.textIn === "messagePayload" || isLongWhole(submission, octets, dialect);
  const isSar = parts > 1 && !hasHeader;
  return {
    dataCoding: (encoding === "UCS-2" ? UCS2 : 0) | (submission.isFlash ? FLASH : 0),
    esmClass: hasHeader ? UDHI : 0,
    shortMessage: isPayload ? noBytes : octets,
    tlvs: isPayload || isSar ? tlvsOf(submission, isPayload ? octets : undefined, isSar) : noTlvs,
  };
}

function tlvsOf(
  { reference, parts, part }: Submission,
  payload: Buffer | undefined,
  isSar: boolean,
): Tlvs {
  const found = new Map<number, Buffer>();
  if (payload !== undefined) found.set(tlvs.message_payload, payload);
  if (isSar) {
    found.set(tlvs.sar_msg_ref_num, Buffer.from([(reference >> 8) & 0xff, reference & 0xff]));
    found.set(tlvs.sar_total_segments, Buffer.from([parts]));
    found.set(tlvs.sar_segment_seqnum, Buffer.from([part]));
  }
  return found;
}

const noBytes = Buffer.alloc(0);

function headerOf({ reference, parts, part }: Submission, isWide: boolean): Buffer {
  const [high, low] = [(reference >> 8) & 0xff, reference & 0xff];
  return Buffer.from(isWide ? [6, 8, 4, high, low, parts, part] : [5, 0, 3, low, parts, part]);
}

/**
 * The text's part when its whole is cut for a header with a reference of 16 bits, which takes one
 * character more of each part. Nothing when that makes one part more than were counted, priced and
 * paced: such a text keeps the 8 bits (3GPP TS 23.040, 9.2.3.24.8).
 */
function widePart({ body, part, parts }: Submission): string | undefined {
  if (body === undefined) return undefined;
  const wide = splitBody(body, 1).parts;
  return wide.length === parts ? wide[part - 1] : undefined;
}

function isLongWhole(
  { parts, encoding }: Submission,
  octets: Buffer,
  { defaultAlphabet }: Dialect,
): boolean {
  const isPacked = encoding === "UCS-2" || defaultAlphabet === "gsm7Packed";
  return parts === 1 && octets.length > ALONE_OCTETS_MAX[isPacked ? "packed" : "unpacked"];
}

function encodeCharacters(
  { text, encoding }: Pick<Submission, "text" | "encoding">,
  alphabet: Dialect["defaultAlphabet"],
  headerBytes: number,
): Buffer {
  if (encoding === "UCS-2") return encodeUcs2(text);
  if (alphabet === "latin1") return Buffer.from(text, "latin1");
  const septets = encodeGsm7(text);
  return alphabet === "gsm7" ? septets : packSeptets(septets, headerBytes);
}

export function encodeUcs2(text: string): Buffer {
  return Buffer.from(text, "utf16le").swap16();
}

/** A text from a phone, or one part of one: by UDH, by SAR TLVs, or whole. */
export function decodeText(
  pdu: ShortMessage,
  dialect: Pick<Dialect, "defaultAlphabet"> = plainDialect,
): Omit<InboundPart, "sender" | "recipient"> {
  const payload = pdu.tlvs.get(tlvs.message_payload);
  const bytes = pdu.shortMessage.length > 0 ? pdu.shortMessage : (payload ?? pdu.shortMessage);
  const claimedBytes = (pdu.esmClass & UDHI) !== 0 ? (bytes[0] ?? 0) + 1 : 0;
  // A header that is longer than the text is none: better a strange text than a lost one.
  const headerBytes = claimedBytes <= bytes.length ? claimedBytes : 0;
  const header = readHeader(bytes.subarray(1, headerBytes));
  const concatenation = header.concatenation ?? readSar(pdu) ?? whole;
  const octets = bytes.subarray(headerBytes);
  const coding = codingOf(pdu.dataCoding, dialect.defaultAlphabet);
  return { ...concatenation, text: decodeOctets(octets, { coding, headerBytes, ...header }) };
}

const whole = { reference: 0, total: 1, part: 1 };

function decodeOctets(
  octets: Buffer,
  of: { coding: CodedText; headerBytes: number; national: NationalTables },
): string {
  switch (of.coding) {
    case "ucs2":
      return Buffer.from(octets.subarray(0, octets.length & ~1))
        .swap16()
        .toString("utf16le");
    case "gsm7":
      return decodeNationalGsm7(octets, of.national);
    case "gsm7Packed":
      return decodeNationalGsm7(unpackSeptets(octets, of.headerBytes), of.national);
    case "latin1":
      return octets.toString("latin1");
    case "ia5":
      // Some write GSM-7 under it: what no text in IA5 has, its control characters, tells them.
      return octets.some(isControl)
        ? decodeNationalGsm7(octets, of.national)
        : octets.toString("latin1");
    case "binary":
      return octets.toString("hex");
    default:
      return new TextDecoder(of.coding).decode(octets);
  }
}

function isControl(octet: number): boolean {
  return octet < 0x20 && octet !== 0x09 && octet !== 0x0a && octet !== 0x0d;
}

type Concatenation = { reference: number; total: number; part: number };

/** Information elements 0 (8-bit reference), 8 (16-bit), 36 and 37 (national tables). */
function readHeader(elements: Buffer) {
  let concatenation: Concatenation | undefined;
  const national: { single: number; locking: number } = { single: 0, locking: 0 };
  for (let at = 0; at + 2 <= elements.length; at += 2 + (elements[at + 1] ?? 0)) {
    const end = at + 2 + (elements[at + 1] ?? 0);
    if (end > elements.length) break;
    const data = elements.subarray(at + 2, end);
    switch (elements[at]) {
      case 0x00:
        if (data.length !== 3) break;
        concatenation ??= valid(data[0] ?? 0, data[1] ?? 0, data[2] ?? 0);
        break;
      case 0x08:
        if (data.length !== 4) break;
        concatenation ??= valid(data.readUInt16BE(0), data[2] ?? 0, data[3] ?? 0);
        break;
      case 0x24:
        national.single = data[0] ?? 0;
        break;
      case 0x25:
        national.locking = data[0] ?? 0;
        break;
      default:
    }
  }
  return { concatenation, national };
}

function readSar(pdu: ShortMessage): Concatenation | undefined {
  const reference = pdu.tlvs.get(tlvs.sar_msg_ref_num);
  const total = pdu.tlvs.get(tlvs.sar_total_segments)?.[0];
  const part = pdu.tlvs.get(tlvs.sar_segment_seqnum)?.[0];
  if (reference?.length !== 2 || total === undefined || part === undefined) return undefined;
  return valid(reference.readUInt16BE(0), total, part);
}

function valid(reference: number, total: number, part: number): Concatenation | undefined {
  return total >= 1 && part >= 1 && part <= total ? { reference, total, part } : undefined;
}
