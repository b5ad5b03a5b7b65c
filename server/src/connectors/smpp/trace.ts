import type { Clock } from "../../lib/clock.ts";
import { decodePdu } from "../../smpp/decode-pdu.ts";
import type { TracedPdu, TraceQuery } from "../connector.ts";
import type { SmppSettings } from "./settings.ts";
import { describePdu } from "./traced-pdu.ts";

/** PDUs kept for each bind, and their bytes, to be looked at afterwards. A PDU of any size fits. */
export const TRACED_PDUS_MAX = 5_000;
export const TRACED_BYTES_MAX = 1024 * 1024;

type Way = TracedPdu["way"];
type Kept = {
  readonly number: number;
  readonly atMs: number;
  readonly way: Way;
  readonly bytes: Buffer;
};

/** The PDUs of late of all binds of a connector. Their bytes are kept, and read when asked for. */
export function createTrace(app: { clock: Clock; settings: SmppSettings }) {
  const binds: {
    readonly name: string;
    readonly alphabet: SmppSettings["defaultAlphabet"];
    readonly ring: ReturnType<typeof createRing>;
  }[] = [];
  // Numbers go on growing when the connector starts again, so a reader's place stays right.
  let number = app.clock().getTime() * 1_000;

  return {
    /** What to tell the PDUs of a bind. */
    ofBind: (name: string, alphabet = app.settings.defaultAlphabet) => {
      const ring = createRing();
      binds.push({ name, alphabet, ring });
      return (way: Way, bytes: Buffer): void => {
        number += 1;
        ring.add({ number, atMs: app.clock().getTime(), way, bytes });
      };
    },
    read: ({ after, limit, isClear }: TraceQuery): TracedPdu[] => {
      const found = binds
        .flatMap(({ ring, ...bind }) => ring.after(after ?? 0).map((kept) => ({ ...bind, kept })))
        .sort((one, other) => one.kept.number - other.kept.number);
      const chosen = after === undefined ? found.slice(-limit) : found.slice(0, limit);
      return chosen.map(({ name, alphabet, kept }) => ({
        ...{ number: kept.number, at: new Date(kept.atMs), bind: name, way: kept.way },
        ...describePdu(decodePdu(kept.bytes), { isClear, alphabet }),
      }));
    },
  };
}

/**
 * The last PDUs, oldest first, bounded by their count and their bytes. A PDU of a message's way must
 * cost next to nothing here, so each is a copy of its bytes and four numbers: no object is made, and
 * nothing is left to collect.
 */
function createRing() {
  // Of memory that nobody writes to, nothing is taken: an idle bind costs none.
  const store = Buffer.allocUnsafeSlow(TRACED_BYTES_MAX);
  // Where each begins if the store had no end; its place is the rest of a division by the store's size.
  const starts = new Float64Array(TRACED_PDUS_MAX);
  const lengths = new Uint32Array(TRACED_PDUS_MAX);
  const numbers = new Float64Array(TRACED_PDUS_MAX);
  const instants = new Float64Array(TRACED_PDUS_MAX);
  const areSent = new Uint8Array(TRACED_PDUS_MAX);
  let first = 0;
  let size = 0;
  let end = 0;

  const dropFirst = () => {
    first = (first + 1) % TRACED_PDUS_MAX;
    size -= 1;
  };
  /** A PDU stands in one piece: what does not fit before the store's end begins at its start. */
  const startOf = (length: number): number => {
    const left = TRACED_BYTES_MAX - (end % TRACED_BYTES_MAX);
    return length <= left ? end : end + left;
  };
  const keptAt = (index: number): Kept => {
    const at = (starts[index] ?? 0) % TRACED_BYTES_MAX;
    return {
      ...{ number: numbers[index] ?? 0, atMs: instants[index] ?? 0 },
      way: areSent[index] === 1 ? "sent" : "received",
      bytes: store.subarray(at, at + (lengths[index] ?? 0)),
    };
  };

  return {
    add: ({ number, atMs, way, bytes }: Kept) => {
      const start = startOf(bytes.length);
      end = start + bytes.length;
      if (size === TRACED_PDUS_MAX) dropFirst();
      while (size > 0 && (starts[first] ?? 0) < end - TRACED_BYTES_MAX) dropFirst();
      const index = (first + size) % TRACED_PDUS_MAX;
      store.set(bytes, start % TRACED_BYTES_MAX);
      starts[index] = start;
      lengths[index] = bytes.length;
      numbers[index] = number;
      instants[index] = atMs;
      areSent[index] = way === "sent" ? 1 : 0;
      size += 1;
    },
    after: (number: number): Kept[] => {
      const found: Kept[] = [];
      for (let back = 1; back <= size; back += 1) {
        const index = (first + size - back) % TRACED_PDUS_MAX;
        if ((numbers[index] ?? 0) <= number) break;
        found.push(keptAt(index));
      }
      return found.reverse();
    },
  };
}
