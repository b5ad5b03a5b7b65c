import { gsm7Alphabet, gsm7Extension } from "./gsm7.ts";

const ESCAPE = 0x1b;
/** 3GPP TS 23.038, 6.2.1.1: the codes after the escape, in the order of `gsm7Extension`. */
const extensionCodes = [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65];

const codes = new Map<string, readonly number[]>();
[...gsm7Alphabet].forEach((character, code) => {
  if (code !== ESCAPE) codes.set(character, [code]);
});
[...gsm7Extension].forEach((character, index) => {
  codes.set(character, [ESCAPE, extensionCodes[index] ?? 0]);
});
const QUESTION_MARK = [0x3f];

/** One septet an octet, as SMPP carries it under data_coding 0. What the alphabet lacks is `?`. */
export function encodeGsm7(text: string): Buffer {
  const octets: number[] = [];
  for (const character of text) octets.push(...(codes.get(character) ?? QUESTION_MARK));
  return Buffer.from(octets);
}
