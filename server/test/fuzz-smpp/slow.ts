import { connect, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SmppDecodeError } from "../../src/smpp/decode-pdu.ts";
import { encodePdu } from "../../src/smpp/encode-pdu.ts";
import { emptyMessage, type Pdu, statuses } from "../../src/smpp/pdus.ts";
import { openSession, type SmppSession } from "../../src/smpp/session.ts";
import { createStreamDecoder } from "../../src/smpp/stream-decoder.ts";
import type { Random } from "./mutate.ts";

/** A message id of the most octets (SMPP 3.4, section 4.4.2), so that answers are larger than submissions. */
const messageId = "9".repeat(64);
const FLOOD_PDUS = 500;

type Peer = { readonly socket: Socket; readonly heard: Pdu[] };

/** Sessions in the server's role that find a far end dead within a second or two. */
export async function startImpatient() {
  const sessions = new Map<SmppSession, Socket>();
  const server = createServer((socket) => {
    const session: SmppSession = openSession(socket, {
      ...{ window: 10, enquireLinkMs: 1_000, responseTimeoutMs: 1_000, systemId: "slow" },
      on: {
        onBind: () => statuses.ok,
        onSubmit: (pdu) => session.respond(pdu, statuses.ok, { messageId }),
        onClose: () => sessions.delete(session),
      },
    });
    sessions.set(session, socket);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const close = async () => {
    for (const session of [...sessions.keys()]) session.destroy();
    await new Promise((done) => server.close(done));
  };
  return { port, sessions, close };
}

/** A bound far end that answers what it is asked, as long as it reads. */
export async function bindPeer(port: number): Promise<Peer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const heard: Pdu[] = [];
  const decoder = createStreamDecoder();
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    decoder.push(chunk, (pdu) => {
      if (pdu instanceof SmppDecodeError) throw pdu;
      const { command, sequence } = pdu;
      if (command !== "enquire_link") heard.push(pdu);
      else socket.write(encodePdu({ command: "enquire_link_resp", status: 0, sequence }));
    });
  });
  socket.write(bindBytes());
  while (heard.length === 0) await nextTurn();
  heard.length = 0;
  return { socket, heard };
}

function bindBytes(): Buffer {
  const login = { systemId: "us", password: "secret", systemType: "", interfaceVersion: 0x34 };
  return encodePdu({ command: "bind_transceiver", status: 0, sequence: 1, ...login });
}

export function submitBytes(sequence: number): Buffer {
  const message = { ...emptyMessage, source: "1", dest: "2", shortMessage: Buffer.from("Hi") };
  return encodePdu({ ...message, command: "submit_sm", status: 0, sequence });
}

/** Whole submissions, in pieces of one to three bytes with a turn of the loop in between. */
export async function trickle({ socket }: Peer, random: Random, submissions: number) {
  for (let sequence = 1; sequence <= submissions; sequence += 1) {
    const bytes = submitBytes(sequence);
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random(3);
      socket.write(bytes.subarray(at, at + size));
      at += size;
      await nextTurn();
    }
  }
}

/** Submits and reads nothing, until the server's side reads no more; then as much again. */
export async function flood({ socket }: Peer, server: Socket): Promise<{ unsentMax: number }> {
  socket.pause();
  const burst = Buffer.concat(
    Array.from({ length: FLOOD_PDUS }, (_none, index) => submitBytes(index + 1)),
  );
  let unsentMax = 0;
  let left = Number.POSITIVE_INFINITY;
  while (left > 0 && !server.destroyed) {
    socket.write(burst);
    await nextTurn();
    unsentMax = Math.max(unsentMax, server.writableLength);
    left = server.isPaused() ? Math.min(left, 100) - 1 : left;
  }
  return { unsentMax };
}
