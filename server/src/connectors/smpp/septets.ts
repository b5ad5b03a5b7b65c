/** The text begins on a septet boundary counted from its header's beginning (3GPP TS 23.040, 9.2.3.24). */
function fillBits(headerBytes: number): number {
  return (7 - ((headerBytes * 8) % 7)) % 7;
}

/** Eight septets in seven octets (3GPP TS 23.038, 6.1.2.1), behind a header of so many bytes. */
export function packSeptets(septets: Uint8Array, headerBytes = 0): Buffer {
  const fill = fillBits(headerBytes);
  const octets = Buffer.alloc(Math.ceil((septets.length * 7 + fill) / 8));
  for (const [index, septet] of septets.entries()) {
    const bit = index * 7 + fill;
    const shifted = (septet & 0x7f) << (bit % 8);
    const at = bit >> 3;
    octets[at] = (octets[at] ?? 0) | (shifted & 0xff);
    if (at + 1 < octets.length) octets[at + 1] = (octets[at + 1] ?? 0) | (shifted >> 8);
  }
  return octets;
}

/**
 * The septets of so many octets. Seven bits at the end may be a septet or unused, and SMPP does not
 * say which: all noughts there, an `@` at the very end, are taken for unused.
 */
export function unpackSeptets(octets: Uint8Array, headerBytes = 0): Buffer {
  const fill = fillBits(headerBytes);
  const count = Math.max(0, Math.floor((octets.length * 8 - fill) / 7));
  const septets = Buffer.alloc(count);
  for (let index = 0; index < count; index += 1) {
    const bit = index * 7 + fill;
    const at = bit >> 3;
    const word = (octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8);
    septets[index] = (word >> (bit % 8)) & 0x7f;
  }
  const isPadded = (octets.length * 8 - fill) % 7 === 0 && septets[count - 1] === 0;
  return isPadded ? septets.subarray(0, -1) : septets;
}
