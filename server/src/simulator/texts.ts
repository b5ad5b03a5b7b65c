import { noTlvs, type ShortMessage } from "../smpp/pdus.ts";
import { createForgettingMap } from "./forgetting-map.ts";
import type { Reaction } from "./network.ts";

/** A text that the network took, for who asks after it. */
export type TakenText = {
  readonly id: number;
  readonly sender: string;
  readonly recipient: string;
  readonly serviceType: string;
  /** What becomes of it, and when: until then it is on its way. */
  readonly state: number;
  readonly error: string;
  readonly doneAtMs: number;
  /** As long as no phone has it, it can be cancelled or replaced. */
  readonly open?: OpenText | undefined;
};

export type OpenText = {
  readonly bind: number;
  readonly pdu: ShortMessage;
  readonly reaction: Reaction;
  /** When it is to go out; nothing when it is out already, to a phone that is out of reach. */
  readonly scheduledAtMs: number | undefined;
  /** The receipts that wait. */
  readonly receipts: readonly number[];
};

export type Texts = {
  /** Also one that was there before and is otherwise now. */
  readonly put: (text: TakenText) => void;
  readonly byId: (id: number) => TakenText | undefined;
  /** By an id as an answer wrote it, in decimal or hexadecimal, of that sender alone. */
  readonly find: (messageId: string, sender: string) => TakenText | undefined;
  /** What can still be cancelled between two numbers. */
  readonly openBetween: (about: Omit<TakenText, keyof Final | "id" | "open">) => TakenText[];
};

type Final = Pick<TakenText, "state" | "error" | "doneAtMs">;

/** Texts that somebody can ask after; of more the older half is forgotten. */
const TEXTS_MAX = 100_000;

export function createTexts(): Texts {
  const texts = createForgettingMap<number, TakenText>();
  const open = new Set<number>();
  const byId = texts.get;

  return {
    put: (text) => {
      if (text.open === undefined) {
        texts.put(text.id, text);
        open.delete(text.id);
      } else {
        texts.put(text.id, { ...text, open: { ...text.open, pdu: copied(text.open.pdu) } });
        open.add(text.id);
      }
      if (texts.newer().size < TEXTS_MAX / 2) return;
      texts.turn();
      for (const id of open) if (byId(id) === undefined) open.delete(id);
    },
    byId,
    find: (messageId, sender) => {
      const found = byId(Number(messageId)) ?? byId(Number.parseInt(messageId, 16));
      return found?.sender === sender ? found : undefined;
    },
    openBetween: ({ sender, recipient, serviceType }) =>
      [...open].flatMap((id) => {
        const text = byId(id);
        const isOne = text?.sender === sender && text.recipient === recipient;
        return isOne && text.serviceType === serviceType ? [text] : [];
      }),
  };
}

/** Its octets are a view of all that was read at once; who keeps them keeps only what it needs. */
function copied(pdu: ShortMessage): ShortMessage {
  const found = [...pdu.tlvs].map(([tag, value]) => [tag, Buffer.from(value)] as const);
  return {
    ...{ ...pdu, shortMessage: Buffer.from(pdu.shortMessage) },
    tlvs: found.length === 0 ? noTlvs : new Map(found),
  };
}
