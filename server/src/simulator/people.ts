import type { ShortMessage } from "../smpp/pdus.ts";
import type { Text } from "./delivery.ts";
import type { Phones } from "./phones.ts";

/** People answer one second later, a sender at most once a minute: two robots must not chat. */
const REPLY_MS = 1_000;
const REPLY_PAUSE_MS = 60_000;
const REPLIES_KEPT_MAX = 10_000;

/** Who reads what the phones show, and may answer. */
export function createPeople(phones: Phones, inject: (text: Text, nowMs: number) => void) {
  const repliedAt = new Map<string, number>();
  return {
    /** The phone shows the part; when it is a text's last, the person answers. */
    show: (pdu: ShortMessage, reply: string | undefined, nowMs: number) => {
      const text = phones.receive(pdu, nowMs);
      if (text === undefined || reply === undefined) return;
      const pair = `${text.to} ${text.from}`;
      if (nowMs - (repliedAt.get(pair) ?? Number.NEGATIVE_INFINITY) < REPLY_PAUSE_MS) return;
      repliedAt.delete(pair);
      repliedAt.set(pair, nowMs);
      if (repliedAt.size > REPLIES_KEPT_MAX) {
        for (const oldest of repliedAt.keys()) {
          repliedAt.delete(oldest);
          break;
        }
      }
      inject({ from: text.to, to: text.from, body: reply }, nowMs + REPLY_MS);
    },
  };
}
