import { carrierKey } from "../carrier-key.ts";

/**
 * How a receipt's id relates to the id in the answer: the same; hex in the answer and decimal in the
 * receipt; the other way round; or `auto`: learned from the first receipts that match.
 */
export type ReceiptIdMode = "auto" | "same" | "hexToDecimal" | "decimalToHex";

type Known = Exclude<ReceiptIdMode, "auto">;

/** Ids in the answers of late, to learn from. */
const RECENT_MAX = 10_000;
/** Matches of one kind, with no other between, until it is taken as the carrier's way. */
const LEARNED_AFTER = 3;

const backwards: Record<Known, (id: string) => string | undefined> = {
  same: (id) => id,
  // The answer was hex, the receipt is decimal: its hex is what the answer said.
  hexToDecimal: (id) => (/^\d{1,40}$/.test(id) ? BigInt(id).toString(16) : undefined),
  decimalToHex: (id) => (/^[0-9a-f]{1,40}$/i.test(id) ? BigInt(`0x${id}`).toString() : undefined),
};

export function createReceiptIds(mode: ReceiptIdMode) {
  const recent = new Map<string, string>();
  let known: Known | undefined = mode === "auto" ? undefined : mode;
  let candidate: Known = "same";
  let matches = 0;

  const learn = (found: Known) => {
    matches = found === candidate ? matches + 1 : 1;
    candidate = found;
    if (matches >= LEARNED_AFTER) known = found;
  };

  return {
    /** Remembers an id of an answer, for as long as the way is not known. */
    accepted: (id: string, recipient: string): void => {
      if (known !== undefined) return;
      recent.set(carrierKey(id), recipient);
      if (recent.size <= RECENT_MAX) return;
      const [oldest] = recent.keys();
      if (oldest !== undefined) recent.delete(oldest);
    },
    /** A receipt's id in the form of the answer. The recipient guards against an id by chance. */
    translate: (id: string, recipient: string): string => {
      if (known !== undefined) return backwards[known](id) ?? id;
      for (const way of ["same", "hexToDecimal", "decimalToHex"] as const) {
        const translated = backwards[way](id);
        if (translated === undefined || recent.get(carrierKey(translated)) !== recipient) continue;
        learn(way);
        if (known !== undefined) recent.clear();
        return translated;
      }
      return id;
    },
  };
}
