import { gsm7Alphabet, gsm7Extension } from "./gsm7.ts";

const ESCAPE = 0x1b;
const QUESTION_MARK = 0x3f;
/** Of a septet that stands behind the escape. */
const ESCAPED = 0x80;
/** 3GPP TS 23.038, 6.2.1.1: the codes after the escape, in the order of `gsm7Extension`. */
const extensionCodes = [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65];

/** By UTF-16 code unit; what the alphabet lacks is `?`. */
const septets = new Uint8Array(0x10000).fill(QUESTION_MARK);
[...gsm7Alphabet].forEach((character, code) => {
  if (code !== ESCAPE) septets[character.charCodeAt(0)] = code;
});
[...gsm7Extension].forEach((character, index) => {
  septets[character.charCodeAt(0)] = ESCAPED | (extensionCodes[index] ?? 0);
});

/** One septet an octet, as SMPP carries it under data_coding 0. What the alphabet lacks is `?`. */
export function encodeGsm7(text: string): Buffer {
  const octets = Buffer.allocUnsafe(2 * text.length);
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const point = text.codePointAt(index) ?? 0;
    if (point > 0xffff) index += 1;
    const septet = septets[point] ?? QUESTION_MARK;
    if (septet >= ESCAPED) {
      octets[length] = ESCAPE;
      length += 1;
    }
    octets[length] = septet & ~ESCAPED;
    length += 1;
  }
  return octets.subarray(0, length);
}
