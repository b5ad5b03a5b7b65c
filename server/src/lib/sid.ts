import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { MessageId } from "./message-id.ts";

/** A Twilio-shaped name of a resource: two letters and 32 lower-case hexadecimal digits. */
export type Sid = string;

const RANDOM_BYTES = 10;
/** Fetched from the system for this many sids at once: a fetch costs 15 us. */
const SIDS_AT_ONCE = 400;
let random = Buffer.alloc(0);

/** A new sid that sorts by time: 12 digits of milliseconds, 20 random ones. */
export function newSid(prefix: string, at: Date): Sid {
  if (random.length === 0) random = randomBytes(SIDS_AT_ONCE * RANDOM_BYTES);
  const digits = random.toString("hex", 0, RANDOM_BYTES);
  random = random.subarray(RANDOM_BYTES);
  return prefix + at.getTime().toString(16).padStart(12, "0") + digits;
}

export function isSid(prefix: string, text: string): boolean {
  return text.length === 34 && text.startsWith(prefix) && /^[0-9a-f]{32}$/.test(text.slice(2));
}

/** Writes and reads message sids: `SM`, the id, and 64 bits of keyed MAC so that none can be guessed. */
export type MessageSids = {
  sidOf: (id: MessageId) => Sid;
  /** Nothing for a sid that we did not write. */
  idOf: (sid: string) => MessageId | undefined;
};

/** So many sids are remembered, and as many older ones: the API and each callback ask for the same. */
const RECENT_MAX = 10_000;

export function createMessageSids(key: Buffer): MessageSids {
  const mac = (hex: string) => createHmac("sha256", key).update(`SM${hex}`).digest().subarray(0, 8);
  let recent = new Map<MessageId, Sid>();
  let older = recent;
  const remember = (id: MessageId, sid: Sid) => {
    if (recent.size >= RECENT_MAX) {
      older = recent;
      recent = new Map();
    }
    recent.set(id, sid);
    return sid;
  };
  return {
    sidOf: (id) => {
      const known = recent.get(id) ?? older.get(id);
      if (known !== undefined) return known;
      const hex = id.toString(16).padStart(16, "0");
      return remember(id, `SM${hex}${mac(hex).toString("hex")}`);
    },
    idOf: (sid) => {
      if (!isSid("SM", sid)) return undefined;
      const hex = sid.slice(2, 18);
      const given = Buffer.from(sid.slice(18), "hex");
      return timingSafeEqual(given, mac(hex)) ? BigInt(`0x${hex}`) : undefined;
    },
  };
}
