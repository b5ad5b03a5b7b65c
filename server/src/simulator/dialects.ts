import { decodeText, encodeText } from "../connectors/smpp/text.ts";
import { segmentBody } from "../segments/segment.ts";
import { noTlvs, type ShortMessage, tlvs } from "../smpp/pdus.ts";
import { type Delivery, messageOf } from "./delivery.ts";

type Texts = NonNullable<Parameters<typeof encodeText>[1]>;

/** How a carrier speaks on a bind where it does not speak as the specification has it. */
export type Dialect = {
  readonly name: string;
  readonly what: string;
  /** The id in the answer and in the receipt; decimal where nothing is said. */
  readonly answerId?: (id: bigint) => string;
  readonly receiptId?: (id: bigint) => string;
  readonly receipt?: (message: ShortMessage) => ShortMessage;
  /** Receipts come as data_sm. */
  readonly isDataSm?: true;
  /** How texts are written, both ways. */
  readonly texts?: Partial<Texts>;
  /** Until each answer. */
  readonly answerMs?: number;
  /** How PDUs leave: refusals as a header alone, or all a byte at a time. */
  readonly line?: "bare" | "slow";
};

const hex = (id: bigint) => id.toString(16);
const toUcs2 = (octets: Buffer) => Buffer.from(octets.toString("latin1"), "utf16le").swap16();
const withoutTlvs = (message: ShortMessage): ShortMessage => ({ ...message, tlvs: noTlvs });

/** A receipt's text, changed, and without TLVs that would say the same. */
function textAs(change: (text: string) => string) {
  return (message: ShortMessage): ShortMessage => ({
    ...withoutTlvs(message),
    shortMessage: Buffer.from(change(message.shortMessage.toString("latin1")), "latin1"),
  });
}

function inPayload(message: ShortMessage): ShortMessage {
  const payload = [tlvs.message_payload, message.shortMessage] as const;
  return { ...message, shortMessage: Buffer.alloc(0), tlvs: new Map([...message.tlvs, payload]) };
}

/** docs/simulator.md shows the same table. */
export const dialects: readonly Dialect[] = [
  {
    ...{ name: "hex", what: "ids in hexadecimal in the answer, decimal in the receipt" },
    ...{ answerId: hex, receipt: withoutTlvs },
  },
  {
    ...{ name: "dec", what: "ids in decimal in the answer, hexadecimal in the receipt" },
    ...{ receiptId: hex, receipt: withoutTlvs },
  },
  {
    ...{ name: "noughts", what: "ids with leading noughts and in capitals in the receipt" },
    ...{ answerId: hex, receiptId: (id) => `00${hex(id).toUpperCase()}` },
  },
  { name: "text", what: "receipts as text, without TLVs", receipt: withoutTlvs },
  {
    ...{ name: "tlv", what: "receipts as TLVs, without text" },
    receipt: (message) => ({ ...message, shortMessage: Buffer.alloc(0) }),
  },
  {
    ...{ name: "untyped", what: "receipts as text, with an esm_class of 0" },
    receipt: (message) => ({ ...withoutTlvs(message), esmClass: 0 }),
  },
  {
    ...{ name: "short", what: "receipts without sub and dlvrd, in capitals, with seconds" },
    receipt: textAs((text) =>
      text
        .replace(/ sub:\d+ dlvrd:\d+/, "")
        .replaceAll(/(date:\d{10})/g, "$100")
        .replaceAll(/(id|stat|err|text):/g, (label) => label.toUpperCase()),
    ),
  },
  {
    ...{ name: "mixed", what: "receipts with their fields in another order" },
    receipt: textAs((text) =>
      text.replace(/^(id:\S+)(.*)( stat:\S+ err:\S+)( text:)$/, "$3$2 $1$4").trimStart(),
    ),
  },
  {
    ...{ name: "ucs2", what: "receipts in UCS-2" },
    receipt: (message) => ({
      ...{ ...withoutTlvs(message), dataCoding: 8, shortMessage: toUcs2(message.shortMessage) },
    }),
  },
  { name: "datasm", what: "receipts as data_sm", isDataSm: true, receipt: inPayload },
  {
    ...{ name: "payload", what: "receipts and texts in message_payload" },
    ...{ receipt: inPayload, texts: { textIn: "messagePayload" } },
  },
  { name: "sar", what: "long texts from phones in SAR TLVs", texts: { concatenation: "sar" } },
  {
    ...{ name: "latin1", what: "data_coding 0 is Latin-1, both ways" },
    texts: { defaultAlphabet: "latin1" },
  },
  {
    ...{ name: "packed", what: "data_coding 0 is GSM-7 in packed septets, both ways" },
    texts: { defaultAlphabet: "gsm7Packed" },
  },
  { name: "slow", what: "each answer to a submission after one second", answerMs: 1_000 },
  { name: "bare", what: "refusals as a header alone, without a body", line: "bare" },
  { name: "trickle", what: "each PDU a byte at a time", line: "slow" },
];

export const plain: Dialect = { name: "", what: "" };

const byName = new Map(dialects.map((dialect) => [dialect.name, dialect]));

/** The dialects of a list of names together. */
export function dialectOf(names: readonly string[]): Dialect {
  const found = names.flatMap((name) => byName.get(name) ?? []);
  return found.length === 0 ? plain : Object.assign({}, ...found);
}

const allTexts: Texts = {
  ...{ defaultAlphabet: "gsm7", concatenation: "udh", textIn: "shortMessage" },
};

/** A delivery as the dialect writes it. */
export function messageIn(dialect: Dialect, delivery: Delivery): ShortMessage {
  if (delivery.kind === "text") {
    const { texts } = dialect;
    return messageOf(delivery, texts === undefined ? undefined : { ...allTexts, ...texts });
  }
  const writtenId = dialect.receiptId?.(BigInt(delivery.messageId)) ?? delivery.writtenId;
  const message = messageOf(writtenId === undefined ? delivery : { ...delivery, writtenId });
  return dialect.receipt?.(message) ?? message;
}

/** A submission in the dialect as the network behind understands it. */
export function readIn<Pdu extends ShortMessage>(dialect: Dialect, pdu: Pdu): Pdu {
  const { defaultAlphabet } = dialect.texts ?? {};
  if (defaultAlphabet === undefined || pdu.dataCoding !== 0) return pdu;
  const { text, part, total, reference } = decodeText(pdu, { defaultAlphabet });
  const { encoding } = segmentBody(text);
  const about = { sender: pdu.source, recipient: pdu.dest, validUntil: new Date(0) };
  const plainly = encodeText({
    ...{ ...about, id: 0n, attempt: 1, encoding, text, part, parts: total, reference },
  });
  return { ...pdu, ...plainly };
}
