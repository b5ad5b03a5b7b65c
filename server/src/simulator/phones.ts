import { decodeText } from "../connectors/smpp/text.ts";
import type { ShortMessage } from "../smpp/pdus.ts";

export type PhoneText = {
  readonly at: Date;
  readonly from: string;
  readonly to: string;
  readonly body: string;
};

/** What phones show, long texts joined. The oldest are forgotten beyond the bounds. */
export type Phones = {
  readonly receive: (pdu: ShortMessage, at: Date) => void;
  readonly shown: (number: string) => readonly PhoneText[];
  readonly onText: (listener: (text: PhoneText) => void) => void;
};

const PHONES_MAX = 50_000;
const TEXTS_MAX = 100;
const UNFINISHED_MAX = 10_000;

export function createPhones(): Phones {
  const phones = new Map<string, PhoneText[]>();
  const unfinished = new Map<string, string[]>();
  const listeners: ((text: PhoneText) => void)[] = [];

  const show = (text: PhoneText) => {
    const texts = phones.get(text.to) ?? [];
    texts.push(text);
    if (texts.length > TEXTS_MAX) texts.shift();
    phones.set(text.to, texts);
    forgetOldest(phones, PHONES_MAX);
    for (const listener of listeners) listener(text);
  };

  return {
    receive: (pdu, at) => {
      const from = written(pdu.source, pdu.sourceTon);
      const to = written(pdu.dest, pdu.destTon);
      const { text, total, part, reference } = decodeText(pdu);
      if (total === 1) return show({ at, from, to, body: text });
      const key = `${from} ${to} ${reference} ${total}`;
      const parts = unfinished.get(key) ?? [];
      parts[part - 1] = text;
      unfinished.set(key, parts);
      forgetOldest(unfinished, UNFINISHED_MAX);
      if (Array.from(parts).filter((known) => known !== undefined).length < total) return undefined;
      unfinished.delete(key);
      return show({ at, from, to, body: parts.join("") });
    },
    shown: (number) => phones.get(number) ?? [],
    onText: (listener) => {
      listeners.push(listener);
    },
  };
}

/** Type of number 1 is international (SMPP 3.4, section 5.2.5). */
function written(digits: string, ton: number): string {
  return ton === 1 ? `+${digits}` : digits;
}

function forgetOldest(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
