import { randomBytes, timingSafeEqual } from "node:crypto";
import type { MessageId } from "./message-id.ts";
import { createSipHash } from "./siphash.ts";

/** A Twilio-shaped name of a resource: two letters and 32 lower-case hexadecimal digits. */
export type Sid = string;

const RANDOM_BYTES = 10;
/** Fetched from the system for this many sids at once: a fetch costs 15 us. */
const SIDS_AT_ONCE = 400;
let random = Buffer.alloc(0);
let used = 0;

/** A new sid that sorts by time: 12 digits of milliseconds, 20 random ones. */
export function newSid(prefix: string, at: Date): Sid {
  if (used === random.length) {
    random = randomBytes(SIDS_AT_ONCE * RANDOM_BYTES);
    used = 0;
  }
  const digits = random.toString("hex", used, used + RANDOM_BYTES);
  used += RANDOM_BYTES;
  return prefix + digitsOf(at.getTime()) + digits;
}

function digitsOf(ms: number): string {
  if (ms !== last.ms) last = { ms, digits: ms.toString(16).padStart(12, "0") };
  return last.digits;
}

/** Most often it is the same millisecond again. */
let last = { ms: Number.NaN, digits: "" };

export function isSid(prefix: string, text: string): boolean {
  return text.length === 34 && text.startsWith(prefix) && /^[0-9a-f]{32}$/.test(text.slice(2));
}

/** Writes and reads message sids: `SM`, the id, and 64 bits of keyed MAC so that none can be guessed. */
export type MessageSids = {
  sidOf: (id: MessageId) => Sid;
  /** Nothing for a sid that we did not write. */
  idOf: (sid: string) => MessageId | undefined;
};

export function createMessageSids(key: Buffer): MessageSids {
  const hash = createSipHash(key.subarray(0, 16));
  const bytes = Buffer.alloc(16);
  const idBytes = bytes.subarray(0, 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sidOf = (id: MessageId) => {
    view.setBigUint64(0, id);
    const { high, low } = hash(idBytes);
    view.setUint32(8, high);
    view.setUint32(12, low);
    return `SM${bytes.toString("hex")}`;
  };
  return {
    sidOf,
    idOf: (sid) => {
      if (!isSid("SM", sid)) return undefined;
      const id = BigInt(`0x${sid.slice(2, 18)}`);
      return timingSafeEqual(Buffer.from(sid), Buffer.from(sidOf(id))) ? id : undefined;
    },
  };
}
