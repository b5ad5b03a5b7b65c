/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit MAC that is made for short inputs. In JavaScript it
 * takes a tenth of what an HMAC of node:crypto costs to set up.
 */
export type SipHash = (message: Uint8Array) => { readonly high: number; readonly low: number };

/** `key` has 16 bytes. */
export function createSipHash(key: Buffer): SipHash {
  if (key.length !== 16) throw new Error(`A key of SipHash has 16 bytes, this has ${key.length}.`);
  const [k0l, k0h, k1l, k1h] = [0, 4, 8, 12].map((at) => key.readInt32LE(at)) as [
    ...[number, number, number, number],
  ];
  // The four words of the state, low halves before high ones, in one array: no object is made for a round.
  const v = new Int32Array(8);

  return (message) => {
    v[0] = k0l ^ 0x70736575;
    v[1] = k0h ^ 0x736f6d65;
    v[2] = k1l ^ 0x6e646f6d;
    v[3] = k1h ^ 0x646f7261;
    v[4] = k0l ^ 0x6e657261;
    v[5] = k0h ^ 0x6c796765;
    v[6] = k1l ^ 0x79746573;
    v[7] = k1h ^ 0x74656462;
    const whole = message.length & ~7;
    for (let at = 0; at < whole; at += 8)
      compress(v, readLow(message, at), readLow(message, at + 4));
    compress(v, readLow(message, whole), readLow(message, whole + 4) | (message.length << 24));
    v[4] = get(v, 4) ^ 0xff;
    for (let round = 0; round < 4; round += 1) mix(v);
    return {
      high: (get(v, 1) ^ get(v, 3) ^ get(v, 5) ^ get(v, 7)) >>> 0,
      low: (get(v, 0) ^ get(v, 2) ^ get(v, 4) ^ get(v, 6)) >>> 0,
    };
  };
}

function get(v: Int32Array, index: number): number {
  return v[index] as number;
}

/** Four bytes, the lowest first; noughts behind the end. */
function readLow(bytes: Uint8Array, at: number): number {
  let word = 0;
  for (let index = 0; index < 4; index += 1) word |= (bytes[at + index] ?? 0) << (8 * index);
  return word;
}

function compress(v: Int32Array, low: number, high: number): void {
  v[6] = get(v, 6) ^ low;
  v[7] = get(v, 7) ^ high;
  mix(v);
  mix(v);
  v[0] = get(v, 0) ^ low;
  v[1] = get(v, 1) ^ high;
}

/** One SipRound. */
function mix(v: Int32Array): void {
  add(v, 0, 2);
  turn(v, 2, 13);
  xor(v, 2, 0);
  swap(v, 0);
  add(v, 4, 6);
  turn(v, 6, 16);
  xor(v, 6, 4);
  add(v, 0, 6);
  turn(v, 6, 21);
  xor(v, 6, 0);
  add(v, 4, 2);
  turn(v, 2, 17);
  xor(v, 2, 4);
  swap(v, 4);
}

function add(v: Int32Array, to: number, from: number): void {
  const low = (get(v, to) >>> 0) + (get(v, from) >>> 0);
  v[to + 1] = get(v, to + 1) + get(v, from + 1) + (low > 0xffffffff ? 1 : 0);
  v[to] = low;
}

function xor(v: Int32Array, to: number, from: number): void {
  v[to] = get(v, to) ^ get(v, from);
  v[to + 1] = get(v, to + 1) ^ get(v, from + 1);
}

/** Rotates left by less than 32 bits. */
function turn(v: Int32Array, at: number, bits: number): void {
  const low = get(v, at);
  const high = get(v, at + 1);
  v[at] = (low << bits) | (high >>> (32 - bits));
  v[at + 1] = (high << bits) | (low >>> (32 - bits));
}

/** Rotates left by 32 bits. */
function swap(v: Int32Array, at: number): void {
  const low = get(v, at);
  v[at] = get(v, at + 1);
  v[at + 1] = low;
}
