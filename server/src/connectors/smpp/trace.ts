import type { Clock } from "../../lib/clock.ts";
import type { SmppDecodeError } from "../../smpp/decode-pdu.ts";
import type { Pdu } from "../../smpp/pdus.ts";
import type { TracedPdu, TraceQuery } from "../connector.ts";
import type { SmppSettings } from "./settings.ts";
import { describePdu } from "./traced-pdu.ts";

/** PDUs kept for each bind, and the octets of their texts and TLVs, to be looked at afterwards. */
export const TRACED_PDUS_MAX = 5_000;
const TRACED_BYTES_MAX = 4 * 1024 * 1024;

type Way = TracedPdu["way"];
type Entry = {
  readonly number: number;
  readonly atMs: number;
  readonly way: Way;
  readonly pdu: Pdu | SmppDecodeError;
  readonly bytes: number;
};

/** The PDUs of late of all binds of a connector. They are kept as they are, and described when asked for. */
export function createTrace(app: { clock: Clock; settings: SmppSettings }) {
  const binds: { readonly name: string; readonly ring: ReturnType<typeof createRing> }[] = [];
  // Numbers go on growing when the connector starts again, so a reader's place stays right.
  let number = app.clock().getTime() * 1_000;

  return {
    /** What to tell the PDUs of a bind. */
    ofBind: (name: string) => {
      const ring = createRing();
      binds.push({ name, ring });
      return (way: Way, pdu: Pdu | SmppDecodeError): void => {
        number += 1;
        ring.add({ number, atMs: app.clock().getTime(), way, pdu, bytes: bytesOf(pdu) });
      };
    },
    read: ({ after, limit, isClear }: TraceQuery): TracedPdu[] => {
      const found = binds
        .flatMap(({ name, ring }) => ring.after(after ?? 0).map((entry) => ({ name, entry })))
        .sort((one, other) => one.entry.number - other.entry.number);
      const chosen = after === undefined ? found.slice(-limit) : found.slice(0, limit);
      return chosen.map(({ name, entry }) => ({
        ...{ number: entry.number, at: new Date(entry.atMs), bind: name, way: entry.way },
        ...describePdu(entry.pdu, { isClear, settings: app.settings }),
      }));
    },
  };
}

function bytesOf(pdu: Pdu | SmppDecodeError): number {
  let bytes = "shortMessage" in pdu ? pdu.shortMessage.length : 0;
  if ("tlvs" in pdu && pdu.tlvs !== undefined && pdu.tlvs.size > 0) {
    for (const value of pdu.tlvs.values()) bytes += value.length;
  }
  return bytes;
}

/** The last entries, oldest first, bounded by their count and their bytes. */
function createRing() {
  const entries: (Entry | undefined)[] = [];
  let head = 0;
  let size = 0;
  let bytes = 0;
  const at = (index: number) => entries[(head + index) % TRACED_PDUS_MAX];
  const dropFirst = () => {
    bytes -= entries[head]?.bytes ?? 0;
    entries[head] = undefined;
    head = (head + 1) % TRACED_PDUS_MAX;
    size -= 1;
  };
  return {
    add: (entry: Entry) => {
      if (size === TRACED_PDUS_MAX) dropFirst();
      entries[(head + size) % TRACED_PDUS_MAX] = entry;
      size += 1;
      bytes += entry.bytes;
      while (bytes > TRACED_BYTES_MAX && size > 1) dropFirst();
    },
    after: (number: number): Entry[] => {
      const found: Entry[] = [];
      for (let index = size - 1; index >= 0; index -= 1) {
        const entry = at(index);
        if (entry === undefined || entry.number <= number) break;
        found.push(entry);
      }
      return found.reverse();
    },
  };
}
