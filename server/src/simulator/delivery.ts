import { encodeText } from "../connectors/smpp/text.ts";
import { type Encoding, splitBody } from "../segments/segment.ts";
import { emptyMessage, type ShortMessage, tlvs } from "../smpp/pdus.ts";
import { states } from "./behaviours.ts";

/** What waits to be brought to a bind. Flat and plain data: it is written down, and there are many. */
export type Delivery =
  | {
      readonly kind: "receipt";
      readonly number: number;
      readonly messageId: string;
      /** As the receipt has it, where that is another. */
      readonly writtenId?: string;
      /** The bind that it comes on only when there is no other. */
      readonly notOn?: number;
      readonly isBare: boolean;
      readonly phone: string;
      readonly phoneTon: number;
      readonly phoneNpi: number;
      readonly sender: string;
      readonly senderTon: number;
      readonly senderNpi: number;
      readonly state: number;
      readonly error: string;
      readonly submittedAtMs: number;
      readonly doneAtMs: number;
    }
  | {
      /** One part of a text from a phone. */
      readonly kind: "text";
      readonly number: number;
      readonly from: string;
      readonly to: string;
      readonly encoding: Encoding;
      readonly text: string;
      readonly part: number;
      readonly parts: number;
      readonly reference: number;
    };

export type Receipt = Delivery & { kind: "receipt" };
export type TextPart = Delivery & { kind: "text" };

export type Text = { readonly from: string; readonly to: string; readonly body: string };

/** esm_class of a delivery receipt (SMPP 3.4, section 5.2.12). */
const RECEIPT = 0x04;
const stateWords = [
  ...["", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED"],
  ...["UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD"],
];
const stateBytes = stateWords.map((_word, state) => Buffer.from([state]));
const noTlvs: ShortMessage["tlvs"] = new Map();

/** The parts of a text, each a delivery of its own. */
export function partsOf(
  { from, to, body }: Text,
  about: { reference: number; nextNumber: () => number },
): TextPart[] {
  const { encoding, parts } = splitBody(body);
  const { reference } = about;
  return parts.map((text, index) => ({
    ...{ kind: "text", number: about.nextNumber(), from, to, encoding, text, reference },
    ...{ part: index + 1, parts: parts.length },
  }));
}

/** The body of its deliver_sm. */
export function messageOf(
  delivery: Delivery,
  texts?: Parameters<typeof encodeText>[1],
): ShortMessage {
  return delivery.kind === "receipt" ? receiptMessage(delivery) : textMessage(delivery, texts);
}

/** A delivery receipt with both forms of its id and state (SMPP 3.4, appendix B). */
function receiptMessage(receipt: Receipt): ShortMessage {
  const { state } = receipt;
  const messageId = receipt.writtenId ?? receipt.messageId;
  const delivered = state === states.delivered ? "001" : "000";
  const text = `id:${messageId} sub:001 dlvrd:${delivered} submit date:${dateOf(receipt.submittedAtMs)} done date:${dateOf(receipt.doneAtMs)} stat:${stateWords[state]} err:${receipt.error} text:`;
  // Written out: a spread of the empty message costs as much as the rest of a receipt.
  return {
    serviceType: "",
    sourceTon: receipt.phoneTon,
    sourceNpi: receipt.phoneNpi,
    source: receipt.phone,
    destTon: receipt.senderTon,
    destNpi: receipt.senderNpi,
    dest: receipt.sender,
    esmClass: RECEIPT,
    protocolId: 0,
    priority: 0,
    scheduleTime: "",
    validityPeriod: "",
    registeredDelivery: 0,
    replaceIfPresent: 0,
    dataCoding: 0,
    defaultMsgId: 0,
    shortMessage: Buffer.from(text, "latin1"),
    tlvs: receipt.isBare ? noTlvs : receiptTlvs(messageId, state),
  };
}

function receiptTlvs(messageId: string, state: number): ShortMessage["tlvs"] {
  return new Map([
    [tlvs.receipted_message_id, Buffer.from(`${messageId}\0`, "latin1")],
    [tlvs.message_state, stateBytes[state] ?? Buffer.from([state])],
  ]);
}

function textMessage(delivery: TextPart, texts: Parameters<typeof encodeText>[1]): ShortMessage {
  const { from, to } = delivery;
  const part = {
    ...{ id: 0n, attempt: 1, sender: from, recipient: to, validUntil: new Date(0) },
    ...{ part: delivery.part, parts: delivery.parts, reference: delivery.reference },
    ...{ encoding: delivery.encoding, text: delivery.text },
  };
  const encoded = encodeText(part, texts);
  return {
    ...emptyMessage,
    ...{ sourceTon: 1, sourceNpi: 1, source: from.replace(/^\+/, "") },
    ...{ destTon: to.startsWith("+") ? 1 : 3, dest: to.replace(/^\+/, "") },
    ...encoded,
  };
}

const MINUTE_MS = 60_000;
let lastMinute = { minute: Number.NaN, date: "" };

/** YYMMDDhhmm in UTC; most of those asked for are of the same minute. */
function dateOf(atMs: number): string {
  const minute = Math.floor(atMs / MINUTE_MS);
  if (minute !== lastMinute.minute) {
    const date = new Date(atMs).toISOString().replaceAll(/[-:T]/g, "").slice(2, 12);
    lastMinute = { minute, date };
  }
  return lastMinute.date;
}
