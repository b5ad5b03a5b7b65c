/**
 * The national tables of the languages of India and Pakistan (3GPP TS 23.038, A.2.4 to A.2.13 and
 * A.3.4 to A.3.13). Three places are not as some prints of the annex have them, where a character of
 * another place or of another script stands: Kannada 0x24 locking, Oriya 0x20 and Telugu 0x1c single.
 */

/** A character for each place; `nothing` where the table has none. */
export const nothing = "·";
/** Where a script's own characters stand in the frame that all these tables have. */
const own = "▯";

const lockingFrame =
  "▯▯▯▯▯▯▯▯▯▯\n▯▯\r▯▯" +
  "▯▯▯▯▯▯▯▯▯▯▯\u001b▯▯▯▯" +
  " !▯▯▯▯▯▯)(▯▯,▯.▯" +
  "0123456789:;▯▯▯?" +
  "▯▯▯▯▯▯▯▯▯▯▯▯▯▯▯▯" +
  "▯▯▯▯▯▯▯▯▯▯▯▯▯▯▯▯" +
  "▯abcdefghijklmno" +
  "pqrstuvwxyz▯▯▯▯▯";
const singleFrame =
  "@£$¥¿\"¤%&'\f*+·-/" +
  "<=>¡^¡_#*▯▯\u001b▯▯▯▯" +
  "▯▯▯▯▯▯▯▯{}▯▯▯▯▯\\" +
  "▯▯▯▯▯▯▯▯▯▯▯▯[~]▯" +
  "|ABCDEFGHIJKLMNO" +
  "PQRSTUVWXYZ·····" +
  "·····€··········" +
  "················";

/**
 * By language: a page of Unicode, the locking table's own characters as two digits each in that page,
 * those of the single shift table as whole code points. Dashes where there is none.
 */
const languages: Readonly<
  Record<number, readonly [page: number, locking: string, single: string]>
> = {
  // Bengali
  4: [
    0x0900,
    "81828385868788898a8b8c----8f90----939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8--" +
      "aaabacadaeafb0--b2------b6b7b8b9bcbdbebfc0c1c2c3c4----c7c8----cbcccdced7dcddf0f1",
    "09e6 09e7 09e8 09e9 09ea 09eb 09ec 09ed 09ee 09ef 09df 09e0 09e1 09e2 09e3 09f2 " +
      "09f3 09f4 09f5 09f6 09f7 09f8 09f9 09fa",
  ],
  // Gujarati
  5: [
    0x0a00,
    "81828385868788898a8b8c8d--8f9091--939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8--" +
      "aaabacadaeafb0--b2b3--b5b6b7b8b9bcbdbebfc0c1c2c3c4c5--c7c8c9--cbcccdd0e0e1e2e3f1",
    "0964 0965 0ae6 0ae7 0ae8 0ae9 0aea 0aeb 0aec 0aed 0aee 0aef",
  ],
  // Hindi
  6: [
    0x0900,
    "01020305060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526272829" +
      "2a2b2c2d2e2f303132333435363738393c3d3e3f404142434445464748494a4b4c4d50727b7c7e7f",
    "0964 0965 0966 0967 0968 0969 096a 096b 096c 096d 096e 096f 0951 0952 0953 0954 " +
      "0958 0959 095a 095b 095c 095d 095e 095f 0960 0961 0962 0963 0970 0971",
  ],
  // Kannada
  7: [
    0x0c00,
    "--828385868788898a8b8c--8e8f90--92939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8--" +
      "aaabacadaeafb0b1b2b3--b5b6b7b8b9bcbdbebfc0c1c2c3c4--c6c7c8--cacbcccdd5d6e0e1e2e3",
    "0964 0965 0ce6 0ce7 0ce8 0ce9 0cea 0ceb 0cec 0ced 0cee 0cef 0cde 0cf1 0cf2",
  ],
  // Malayalam
  8: [
    0x0d00,
    "--020305060708090a0b0c--0e0f10--12131415161718191a1b1c1d1e1f202122232425262728--" +
      "2a2b2c2d2e2f30313233343536373839--3d3e3f4041424344--464748--4a4b4c4d576061626379",
    "0964 0965 0d66 0d67 0d68 0d69 0d6a 0d6b 0d6c 0d6d 0d6e 0d6f 0d70 0d71 0d72 0d73 " +
      "0d74 0d75 0d7a 0d7b 0d7c 0d7d 0d7e 0d7f",
  ],
  // Oriya
  9: [
    0x0b00,
    "01020305060708090a0b0c----0f10----131415161718191a1b1c1d1e1f202122232425262728--" +
      "2a2b2c2d2e2f30--3233--35363738393c3d3e3f4041424344----4748----4b4c4d565760616263",
    "0964 0965 0b66 0b67 0b68 0b69 0b6a 0b6b 0b6c 0b6d 0b6e 0b6f 0b5c 0b5d 0b5f 0b70 " + "0b71",
  ],
  // Punjabi
  10: [
    0x0a00,
    "01020305060708090a--------0f10----131415161718191a1b1c1d1e1f202122232425262728--" +
      "2a2b2c2d2e2f30--3233--3536--38393c--3e3f404142--------4748----4b4c4d517071727374",
    "0964 0965 0a66 0a67 0a68 0a69 0a6a 0a6b 0a6c 0a6d 0a6e 0a6f 0a59 0a5a 0a5b 0a5c " +
      "0a5e 0a75",
  ],
  // Tamil
  11: [
    0x0b00,
    "--828385868788898a------8e8f90--92939495------999a--9c--9e9f------a3a4------a8a9" +
      "aa------aeafb0b1b2b3b4b5b6b7b8b9----bebfc0c1c2------c6c7c8--cacbcccdd0d7f0f1f2f9",
    "0964 0965 0be6 0be7 0be8 0be9 0bea 0beb 0bec 0bed 0bee 0bef 0bf3 0bf4 0bf5 0bf6 " +
      "0bf7 0bf8 0bfa",
  ],
  // Telugu
  12: [
    0x0c00,
    "01020305060708090a0b0c--0e0f10--12131415161718191a1b1c1d1e1f202122232425262728--" +
      "2a2b2c2d2e2f30313233--3536373839--3d3e3f4041424344--464748--4a4b4c4d555660616263",
    "---- ---- 0c66 0c67 0c68 0c69 0c6a 0c6b 0c6c 0c6d 0c6e 0c6f 0c58 0c59 0c78 0c79 " +
      "0c7a 0c7b 0c7c 0c7d 0c7e 0c7f",
  ],
  // Urdu
  13: [
    0x0600,
    "2722287b807ea62ac27f797d7a7c2b2c8184838586872d2e2f8c88898a8f8d30319193993296989a" +
      "333435363738394142a9aaabafb3b1444546babbbc48c4d5c1be21ccd0d24d504f57545551535670",
    "0600 0601 06f0 06f1 06f2 06f3 06f4 06f5 06f6 06f7 06f8 06f9 060c 060d 060e 060f " +
      "0610 0611 0612 0613 0614 061b 061f 0640 0652 0658 066b 066c 0672 0673 06cd 06d4",
  ],
};

export const indianLocking = tables(lockingFrame, ([page, locking]) =>
  (locking.match(/../g) ?? []).map((digits) => character(digits, page)),
);

export const indianSingle = tables(singleFrame, ([, , single]) =>
  single.split(" ").map((digits) => character(digits, 0)),
);

function tables(
  frame: string,
  ownOf: (language: readonly [number, string, string]) => readonly string[],
): Record<number, string> {
  const filled = Object.entries(languages).map(([language, about]) => {
    const characters = ownOf(about)[Symbol.iterator]();
    return [language, frame.replaceAll(own, () => characters.next().value ?? nothing)];
  });
  return Object.fromEntries(filled) as Record<number, string>;
}

function character(digits: string, page: number): string {
  if (digits.startsWith("-")) return nothing;
  return String.fromCharCode(page + Number.parseInt(digits, 16));
}
