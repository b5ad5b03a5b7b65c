import type { SmppSettings } from "./settings.ts";

export type CodedText =
  | (SmppSettings["defaultAlphabet"] | "ia5" | "ucs2" | "binary")
  | ("iso-8859-5" | "iso-8859-8" | "iso-2022-jp" | "euc-kr" | "shift_jis");

/** SMPP 3.4, section 5.2.19; what is not named has the meaning of GSM 03.38's groups. */
const named: Readonly<Record<number, CodedText>> = {
  1: "ia5",
  2: "binary",
  3: "latin1",
  4: "binary",
  5: "shift_jis",
  6: "iso-8859-5",
  7: "iso-8859-8",
  8: "ucs2",
  10: "iso-2022-jp",
  14: "euc-kr",
};

/** How the octets under a data_coding are to be read. */
export function codingOf(
  dataCoding: number,
  defaultAlphabet: SmppSettings["defaultAlphabet"],
): CodedText {
  const found = named[dataCoding];
  if (found !== undefined) return found;
  if (dataCoding >= 0xf0) return (dataCoding & 4) === 0 ? defaultAlphabet : "binary";
  if (dataCoding >= 0xe0) return "ucs2";
  // 0x10 to 0x1f are the alphabets again with a message class: 0x10 and 0x18 are flash.
  if (dataCoding >= 0x10 && dataCoding < 0x80) {
    if ((dataCoding & 0x0c) === 8) return "ucs2";
    if ((dataCoding & 0x0c) === 4) return "binary";
  }
  return defaultAlphabet;
}
