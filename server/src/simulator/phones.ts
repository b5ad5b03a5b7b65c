import { decodeText } from "../connectors/smpp/text.ts";
import { emptyMessage, type ShortMessage } from "../smpp/pdus.ts";
import { createForgettingMap } from "./forgetting-map.ts";

export type PhoneText = {
  readonly at: Date;
  readonly from: string;
  readonly to: string;
  readonly body: string;
};

/** What phones show, long texts joined. Beyond the bounds the older half is forgotten. */
export type Phones = {
  /** From whom and to whom, when the phone shows a text now: its last part has come. */
  readonly receive: (pdu: ShortMessage, nowMs: number) => { from: string; to: string } | undefined;
  readonly shown: (number: string) => readonly PhoneText[];
  /** The next text that a phone shows, from the call on. */
  readonly nextText: () => Promise<PhoneText>;
};

/** Decoded when somebody looks: at 20,000 a second nobody reads most of them. */
type Kept = {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly dataCoding: number;
  /** Of a text in one part, a character an octet; else the body. */
  readonly octets: string | undefined;
  readonly body: string;
};

/** esm_class bit: the text begins with a user data header (SMPP 3.4, section 5.2.12). */
const UDHI = 0x40;
const PHONES_MAX = 50_000;
const TEXTS_PER_PHONE_MAX = 100;
/** Of all phones together: about 60 MB of texts of one part. */
const TEXTS_MAX = 200_000;
const UNFINISHED_MAX = 10_000;

export function createPhones(): Phones {
  const phones = createForgettingMap<string, Kept[]>();
  const unfinished = new Map<string, string[]>();
  let waiting: ((text: PhoneText) => void)[] = [];
  /** Of all phones since the last turn. */
  let count = 0;

  const show = (text: Kept): Kept => {
    if (phones.newer().size >= PHONES_MAX / 2 || count >= TEXTS_MAX / 2) {
      phones.turn();
      count = 0;
    }
    const texts = phones.newer().get(text.to);
    if (texts === undefined) phones.put(text.to, [text]);
    else if (texts.push(text) > TEXTS_PER_PHONE_MAX) {
      texts.shift();
      count -= 1;
    }
    count += 1;
    if (waiting.length > 0) {
      const told = waiting;
      waiting = [];
      for (const resolve of told) resolve(read(text));
    }
    return text;
  };

  /** The body of a text in parts, when this part was the last. */
  const join = (pdu: ShortMessage, pair: string): string | undefined => {
    const { text, total, part, reference } = decodeText(pdu);
    if (total === 1) return text;
    const key = `${pair} ${reference} ${total}`;
    const parts = unfinished.get(key) ?? [];
    parts[part - 1] = text;
    unfinished.set(key, parts);
    if (unfinished.size > UNFINISHED_MAX) forgetOldest(unfinished);
    if (Array.from(parts).filter((known) => known !== undefined).length < total) return undefined;
    unfinished.delete(key);
    return parts.join("");
  };

  return {
    receive: (pdu, atMs) => {
      const from = written(pdu.source, pdu.sourceTon);
      const to = written(pdu.dest, pdu.destTon);
      const { dataCoding } = pdu;
      if ((pdu.esmClass & UDHI) === 0 && pdu.tlvs.size === 0) {
        const octets = pdu.shortMessage.toString("latin1");
        return show({ atMs, from, to, dataCoding, octets, body: "" });
      }
      const body = join(pdu, `${from} ${to}`);
      if (body === undefined) return undefined;
      return show({ atMs, from, to, dataCoding, octets: undefined, body });
    },
    shown: (number) => {
      const texts = [...(phones.older().get(number) ?? []), ...(phones.newer().get(number) ?? [])];
      return texts.slice(-TEXTS_PER_PHONE_MAX).map(read);
    },
    nextText: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

function read({ atMs, from, to, dataCoding, octets, body }: Kept): PhoneText {
  const at = new Date(atMs);
  if (octets === undefined) return { at, from, to, body };
  const shortMessage = Buffer.from(octets, "latin1");
  return { at, from, to, body: decodeText({ ...emptyMessage, dataCoding, shortMessage }).text };
}

/** Type of number 1 is international (SMPP 3.4, section 5.2.5). */
function written(digits: string, ton: number): string {
  return ton === 1 ? `+${digits}` : digits;
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
