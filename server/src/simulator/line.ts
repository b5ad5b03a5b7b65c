import type { Socket } from "node:net";

/** How a PDU leaves: whole, as its header alone, a byte at a time, half with the line cut, or not. */
export type Way = "whole" | "header" | "slowly" | "half" | "never";

type Done = (error?: Error | null) => void;
type Write = (bytes: Buffer, done?: Done) => boolean;

const HEADER_BYTES = 16;
const BYTE_MS = 5;

/**
 * From now on the connection's bytes leave as `wayOf` says of each PDU. A session writes whole PDUs,
 * so a write is cut into them. A socket that is not bent costs nothing, hence no stream between.
 */
export function bendLine(socket: Socket, wayOf: (pdu: Buffer) => Way): void {
  const write: Write = socket.write.bind(socket);
  const waiting: { bytes: Buffer; isSlow: boolean; done?: Done | undefined }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isCut = false;

  const leave = () => {
    timer = undefined;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (next.isSlow && next.bytes.length > 1) {
        write(next.bytes.subarray(0, 1));
        next.bytes = next.bytes.subarray(1);
        timer = setTimeout(leave, BYTE_MS);
        return;
      }
      waiting.shift();
      write(next.bytes, next.done);
    }
    if (isCut) socket.end(() => socket.destroy());
  };

  const bent: Write = (bytes, done) => {
    for (const pdu of pdusIn(bytes)) {
      const way = isCut ? "never" : wayOf(pdu);
      if (way === "never") continue;
      isCut = way === "half";
      waiting.push({ bytes: bytesOf(pdu, way), isSlow: way === "slowly" });
    }
    waiting.push({ bytes: Buffer.alloc(0), isSlow: false, done });
    if (timer === undefined) leave();
    return true;
  };
  socket.write = bent as Socket["write"];
  socket.once("close", () => clearTimeout(timer));
}

function bytesOf(pdu: Buffer, way: Way): Buffer {
  if (way === "half") return pdu.subarray(0, Math.ceil(pdu.length / 2));
  if (way !== "header") return pdu;
  const header = Buffer.from(pdu.subarray(0, HEADER_BYTES));
  header.writeUInt32BE(HEADER_BYTES, 0);
  return header;
}

function* pdusIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readUInt32BE(at);
    yield bytes.subarray(at, end);
    at = end;
  }
}
