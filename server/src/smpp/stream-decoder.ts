import { decodePdu, HEADER_BYTES, PDU_BYTES_MAX, SmppDecodeError } from "./decode-pdu.ts";
import { type Pdu, statuses } from "./pdus.ts";

const LENGTH_BYTES = 4;

/**
 * Cuts a stream into PDUs. It keeps at most one incomplete PDU, in a buffer of that PDU's own
 * length, so every byte is copied at most once however small the chunks are. Fields of PDUs are
 * views of these bytes.
 */
export function createStreamDecoder() {
  const lengthBytes = Buffer.alloc(LENGTH_BYTES);
  let partial: Buffer = lengthBytes;
  let have = 0;

  /** Takes from the chunk what the incomplete PDU lacks; gives where the chunk goes on. */
  const complete = (chunk: Buffer, at: number): number => {
    const taken = chunk.copy(partial, have, at);
    have += taken;
    return at + taken;
  };

  return {
    /**
     * Calls back with each whole PDU or the error of a bad one, and with its bytes; gives their count.
     * Throws when fatal.
     */
    push: (chunk: Buffer, onPdu: (pdu: Pdu | SmppDecodeError, bytes: Buffer) => void): number => {
      let at = 0;
      let count = 0;
      while (at < chunk.length) {
        if (have === 0 && chunk.length - at >= LENGTH_BYTES) {
          const end = at + checkedLength(chunk.readUInt32BE(at));
          if (end <= chunk.length) {
            const bytes = chunk.subarray(at, end);
            onPdu(decodePdu(bytes), bytes);
            at = end;
            count += 1;
            continue;
          }
        }
        at = complete(chunk, at);
        if (have < partial.length) return count;
        if (partial === lengthBytes) {
          partial = Buffer.allocUnsafe(checkedLength(lengthBytes.readUInt32BE(0)));
          lengthBytes.copy(partial);
          continue;
        }
        const whole = partial;
        partial = lengthBytes;
        have = 0;
        onPdu(decodePdu(whole), whole);
        count += 1;
      }
      return count;
    },
  };
}

function checkedLength(length: number): number {
  if (length >= HEADER_BYTES && length <= PDU_BYTES_MAX) return length;
  throw new SmppDecodeError(`A PDU cannot have ${length} bytes.`, {
    ...{ status: statuses.invalidCommandLength, sequence: 0, isResponse: false, isFatal: true },
  });
}
