/** Bytes that one end of a connection wrote; `client` opened it. */
export type Written = { readonly by: "client" | "server"; readonly bytes: Buffer };

const SERVER_PORT = 2775;
const CLIENT_PORT = 40_000;
const SEGMENT_BYTES_MAX = 60_000;
const IP_HEADER_BYTES = 20;
const TCP_HEADER_BYTES = 20;
/** Link type: each packet begins with its IP header. */
const RAW_IP = 101;

/** A capture of one TCP connection, as a program beside the wire would have written it. */
export function pcapOf(written: readonly Written[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(RAW_IP, 20);
  const sent = { client: 1, server: 1 };
  const packets: Buffer[] = [header];
  for (const { by, bytes } of written) {
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES_MAX) {
      const segment = bytes.subarray(at, at + SEGMENT_BYTES_MAX);
      const acknowledged = by === "client" ? sent.server : sent.client;
      packets.push(packet(by, segment, { sequence: sent[by], acknowledged, at: packets.length }));
      sent[by] += segment.length;
    }
  }
  return Buffer.concat(packets);
}

function packet(
  by: Written["by"],
  segment: Buffer,
  place: { sequence: number; acknowledged: number; at: number },
): Buffer {
  const length = IP_HEADER_BYTES + TCP_HEADER_BYTES + segment.length;
  const bytes = Buffer.alloc(16 + IP_HEADER_BYTES + TCP_HEADER_BYTES);
  bytes.writeUInt32LE(place.at, 0);
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt32LE(length, 12);
  const ip = bytes.subarray(16);
  ip[0] = 0x45;
  ip.writeUInt16BE(length, 2);
  ip[8] = 64;
  ip[9] = 6;
  const [client, server] = [Buffer.from([10, 0, 0, 1]), Buffer.from([10, 0, 0, 2])];
  ip.set(by === "client" ? client : server, 12);
  ip.set(by === "client" ? server : client, 16);
  const tcp = ip.subarray(IP_HEADER_BYTES);
  tcp.writeUInt16BE(by === "client" ? CLIENT_PORT : SERVER_PORT, 0);
  tcp.writeUInt16BE(by === "client" ? SERVER_PORT : CLIENT_PORT, 2);
  tcp.writeUInt32BE(place.sequence, 4);
  tcp.writeUInt32BE(place.acknowledged, 8);
  tcp[12] = 0x50;
  tcp[13] = 0x18;
  tcp.writeUInt16BE(65_535, 14);
  return Buffer.concat([bytes, segment]);
}
