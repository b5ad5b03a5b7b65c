import { connect, createServer, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isReceipt, readReceipt } from "../../src/connectors/smpp/receipt.ts";
import { decodeText } from "../../src/connectors/smpp/text.ts";
import { decodePdu, HEADER_BYTES, SmppDecodeError } from "../../src/smpp/decode-pdu.ts";
import { encodePdu } from "../../src/smpp/encode-pdu.ts";
import { type BindRequest, isResponse, noTlvs, type Pdu, statuses } from "../../src/smpp/pdus.ts";
import { openSession, type SmppSession } from "../../src/smpp/session.ts";
import { createStreamDecoder } from "../../src/smpp/stream-decoder.ts";
import { createInputs, createRandom, type Random } from "./mutate.ts";

export type Tally = { inputs: number; pdus: number; errors: number; fatal: number };

/**
 * Bytes into the decoder, in chunks of any size. Whatever is decoded must be encoded again to a PDU
 * that reads the same, and its text and receipt must be readable. Throws at the first that is not.
 */
export function fuzzDecoder(seed: number, inputs: number): Tally {
  const random = createRandom(seed);
  const nextInput = createInputs(random);
  const tally: Tally = { inputs, pdus: 0, errors: 0, fatal: 0 };
  let decoder = createStreamDecoder();
  for (let input = 0; input < inputs; input += 1) {
    const bytes = nextInput();
    // A wrong length swallows what follows, so most inputs meet a decoder that has lost nothing.
    let isFresh = random(4) > 0;
    if (isFresh) decoder = createStreamDecoder();
    try {
      for (const chunk of cut(bytes, random)) {
        decoder.push(chunk, (pdu) => {
          if (pdu instanceof SmppDecodeError) tally.errors += 1;
          else {
            tally.pdus += 1;
            checkPdu(pdu);
            if (isFresh) checkSource(pdu, bytes);
          }
          isFresh = false;
        });
      }
    } catch (error) {
      if (!(error instanceof SmppDecodeError) || !error.isFatal) throw error;
      tally.fatal += 1;
      decoder = createStreamDecoder();
    }
  }
  return tally;
}

function checkPdu(pdu: ReturnType<typeof decodePdu>): void {
  if (pdu instanceof SmppDecodeError) return;
  const first = encodePdu(pdu);
  const again = decodePdu(first);
  if (again instanceof SmppDecodeError || !encodePdu(again).equals(first)) {
    throw new Error(`${pdu.command} does not come back: ${first.toString("hex")}`);
  }
  if (pdu.command !== "submit_sm" && pdu.command !== "deliver_sm") return;
  decodeText(pdu);
  if (isReceipt(pdu)) readReceipt(pdu);
}

/** A request that is read strictly holds what its bytes say, and nothing that they do not. */
function checkSource(pdu: Pdu, bytes: Buffer): void {
  if (isResponse(pdu.command) || pdu.command === "deliver_sm") return;
  const body = bytes.subarray(HEADER_BYTES, bytes.readUInt32BE(0));
  const whole = encodePdu(pdu).subarray(HEADER_BYTES);
  if (body.subarray(0, whole.length).equals(whole)) return;
  // Of a tag that comes twice one is kept: then only what is before the TLVs can be compared.
  const before = encodePdu({ ...pdu, tlvs: noTlvs } as Pdu).subarray(HEADER_BYTES);
  const isSame = body.subarray(0, before.length).equals(before);
  if (!isSame || !hasTagTwice(body.subarray(before.length))) {
    throw new Error(`${pdu.command} is not what was sent: ${bytes.toString("hex")}`);
  }
}

function hasTagTwice(bytes: Buffer): boolean {
  const seen = new Set<number>();
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt16BE(at + 2)) {
    const tag = bytes.readUInt16BE(at);
    if (seen.has(tag)) return true;
    seen.add(tag);
  }
  return false;
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  if (random(3) > 0) return [bytes];
  const chunks: Buffer[] = [];
  const size = 1 + random(40);
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

/**
 * Real sessions in the server's role under garbage from many sockets, beside one good session that
 * must go on being answered. Gives how many sockets were opened and how many sessions still lived.
 */
export async function fuzzSessions(seed: number, inputs: number) {
  const sessions = new Set<SmppSession>();
  const server = createServer((socket) => {
    const session: SmppSession = openSession(socket, {
      ...{ window: 10, enquireLinkMs: 60_000, responseTimeoutMs: 60_000, systemId: "fuzz" },
      on: {
        onBind: () => statuses.ok,
        onSubmit: (pdu) => session.respond(pdu, statuses.ok, { messageId: "1" }),
        onClose: () => sessions.delete(session),
      },
    });
    sessions.add(session);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const opened = await fuzzPort(port, seed, inputs);
  while (sessions.size > 0) await nextTurn();
  await new Promise((done) => server.close(done));
  return { inputs, opened, left: sessions.size };
}

/** Sockets that send garbage by turns, so that their bytes arrive between each other's. */
const INTERLEAVED = 8;

/**
 * Garbage to whoever listens there, every second socket bound before, beside one good connection that
 * is answered all along. Gives how many sockets were opened.
 */
export async function fuzzPort(port: number, seed: number, inputs: number, login = nobody) {
  const random = createRandom(seed);
  const nextInput = createInputs(random);
  const good = await openGood(port);
  const sockets: Socket[] = [];
  let opened = 1;
  for (let input = 0; input < inputs; input += 1) {
    const place = random(INTERLEAVED);
    let socket = sockets[place];
    if (socket === undefined || socket.destroyed) {
      socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.resume();
      opened += 1;
      sockets[place] = socket;
      if (opened % 2 === 0) socket.write(encodePdu(login));
    }
    const bytes = nextInput();
    const half = random(4) === 0 ? random(bytes.length) : bytes.length;
    socket.write(bytes.subarray(0, half));
    if (random(50) === 0) socket.destroy();
    if (input % 100 === 0) await nextTurn();
    if (input % 1_000 === 0) await good.ask();
  }
  await good.ask();
  for (const socket of sockets) socket?.destroy();
  good.socket.destroy();
  return opened;
}

const nobody: BindRequest = {
  ...{ command: "bind_transceiver", status: 0, sequence: 1, systemId: "a", password: "b" },
  ...{ systemType: "", interfaceVersion: 0x34 },
};

async function openGood(port: number) {
  const socket = connect(port, "127.0.0.1");
  const decoder = createStreamDecoder();
  let answered: () => void = () => undefined;
  socket.on("data", (chunk) => {
    decoder.push(chunk, (pdu) => {
      if (!(pdu instanceof SmppDecodeError) && pdu.command === "enquire_link_resp") answered();
    });
  });
  const ask = () =>
    new Promise<void>((done) => {
      answered = done;
      socket.write(encodePdu({ command: "enquire_link", status: 0, sequence: 1 }));
    });
  await ask();
  return { socket, ask };
}
