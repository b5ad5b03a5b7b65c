/** The GSM 7-bit default alphabet in the order of its codes (3GPP TS 23.038, 6.2.1); code 0x1B is the escape. */
export const gsm7Alphabet =
  "@£$¥èéùìòÇ\nØø\rÅå" +
  "Δ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ" +
  " !\"#¤%&'()*+,-./" +
  "0123456789:;<=>?" +
  "¡ABCDEFGHIJKLMNO" +
  "PQRSTUVWXYZÄÖÑÜ§" +
  "¿abcdefghijklmno" +
  "pqrstuvwxyzäöñüà";

/** Characters written as the escape and a second septet (3GPP TS 23.038, 6.2.1.1). */
export const gsm7Extension = "\f^{}\\[~]|€";

const ESCAPE = "\u001b";

/** By UTF-16 code unit: the septets that it takes, 0 where the alphabet lacks it. */
const septetsByCodeUnit = new Uint8Array(0x10000);
for (const character of gsm7Alphabet) {
  if (character !== ESCAPE) septetsByCodeUnit[character.charCodeAt(0)] = 1;
}
for (const character of gsm7Extension) septetsByCodeUnit[character.charCodeAt(0)] = 2;

/** Septets of one UTF-16 code unit: 1, 2 for an extension character, 0 if GSM-7 cannot write it. */
export function septetsOf(codeUnit: number): number {
  return septetsByCodeUnit[codeUnit] ?? 0;
}

/** Septets of a whole body, or -1 if GSM-7 cannot write it. */
export function countSeptets(body: string): number {
  let septets = 0;
  for (let index = 0; index < body.length; index += 1) {
    const more = septetsOf(body.charCodeAt(index));
    if (more === 0) return -1;
    septets += more;
  }
  return septets;
}
