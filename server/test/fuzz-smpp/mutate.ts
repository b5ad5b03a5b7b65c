import { encodePdu } from "../../src/smpp/encode-pdu.ts";
import { layouts } from "../../src/smpp/layouts.ts";
import { type CommandName, commands, type Pdu } from "../../src/smpp/pdus.ts";

/** Mulberry32: the same seed gives the same run. */
export type Random = (below: number) => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const names = Object.keys(commands) as CommandName[];

/** A whole, right PDU of any command. */
function randomPdu(random: Random): Pdu {
  const command = names[random(names.length)] ?? "enquire_link";
  const text = (max: number) =>
    String.fromCharCode(...Array.from({ length: random(max) }, () => 1 + random(255)));
  const octets = (max: number) => Buffer.from(text(max), "latin1");
  const address = () => ({ ton: random(256), npi: random(256), address: text(21) });
  const values = {
    text: () => text(22),
    byte: () => random(256),
    octets: () => octets(255),
    tlvs: () =>
      new Map(Array.from({ length: random(4) }, () => [random(0x4000), octets(100)] as const)),
    destinations: () =>
      Array.from({ length: random(5) }, () => ({ kind: "address", ...address() })),
    unsuccesses: () =>
      Array.from({ length: random(5) }, () => ({ ...address(), status: random(256) })),
  };
  const fields = layouts[command].map(([name, kind]) => [name, values[kind]()]);
  const header = { command, status: random(4) === 0 ? random(256) : 0, sequence: random(1_000) };
  return { ...header, ...Object.fromEntries(fields) } as Pdu;
}

const strangers = [
  Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  Buffer.from("16030100c8010000c40303", "hex"),
  Buffer.from("SSH-2.0-scan\r\n"),
  Buffer.from("000000000000000400000000", "hex"),
  Buffer.from("80000000000000040000000000000001", "hex"),
  Buffer.alloc(64),
];

const POOL_SIZE = 2_000;

/** Gives the bytes of a PDU, mostly with one thing wrong, or a stranger's greeting. */
export function createInputs(random: Random): () => Buffer {
  // Making a PDU costs more than reading it: each is made once and spoilt in many ways.
  const pool = Array.from({ length: POOL_SIZE }, () => encodePdu(randomPdu(random)));
  return () => spoil(Buffer.from(pool[random(POOL_SIZE)] ?? ""), random);
}

function spoil(bytes: Buffer, random: Random): Buffer {
  const at = random(bytes.length);
  switch (random(9)) {
    case 0:
      return bytes;
    case 1:
      return bytes.fill(random(256), at, Math.min(bytes.length, at + random(8)));
    case 2: {
      const cut = bytes.subarray(0, Math.max(16, at));
      cut.writeUInt32BE(cut.length, 0);
      return cut;
    }
    case 3:
      return bytes.subarray(0, at);
    case 4:
      bytes.writeUInt32BE(random(2) === 0 ? random(100_000) : random(2 ** 32), 0);
      return bytes;
    case 5:
      bytes.writeUInt32BE(random(2 ** 32), 4);
      return bytes;
    case 6: {
      // No NUL in the body: texts without an end.
      for (let index = 16; index < bytes.length; index += 1) bytes[index] ||= 0x41;
      return bytes;
    }
    case 7:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    default:
      return strangers[random(strangers.length)] ?? bytes;
  }
}
