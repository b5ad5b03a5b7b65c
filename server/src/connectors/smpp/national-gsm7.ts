import { gsm7Alphabet } from "../../segments/gsm7.ts";
import { indianLocking, indianSingle, nothing } from "./indian-gsm7.ts";

/** The languages of a text's header, 0 for none (3GPP TS 23.038, 6.2.1.2.4). */
export type NationalTables = { readonly single: number; readonly locking: number };

const ESCAPE = 0x1b;
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const digitsOn = "0123456789:;<=>?";

/** Annex A.3: what a language puts in the place of the default alphabet. */
const locking: Readonly<Record<number, string>> = {
  1: `@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bŞşßÉ !"#¤%&'()*+,-./${digitsOn}İ${letters}ÄÖÑÜ§ç${letters.toLowerCase()}äöñüà`,
  3: `@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\u001bÂâÊÉ !"#º%&'()*+,-./${digitsOn}Í${letters}ÃÕÚÜ§~${letters.toLowerCase()}ãõ\`üà`,
};

const extension: Readonly<Record<number, string>> = {
  ...{ 10: "\f", 20: "^", 40: "{", 41: "}", 47: "\\", 60: "[", 61: "~", 62: "]" },
  ...{ 64: "|", 101: "€" },
};
/** Annex A.2: what a language puts behind the escape: Turkish, Spanish, Portuguese. */
const single: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  1: {
    ...extension,
    ...{ 71: "Ğ", 73: "İ", 83: "Ş", 99: "ç", 103: "ğ", 105: "ı", 115: "ş" },
  },
  2: {
    ...extension,
    ...{ 9: "ç", 65: "Á", 73: "Í", 79: "Ó", 85: "Ú" },
    ...{ 97: "á", 105: "í", 111: "ó", 117: "ú" },
  },
  3: {
    ...extension,
    ...{ 5: "ê", 9: "ç", 11: "Ô", 12: "ô", 14: "Á", 15: "á", 18: "Φ", 19: "Γ" },
    ...{ 21: "Ω", 22: "Π", 23: "Ψ", 24: "Σ", 25: "Θ", 31: "Ê", 65: "À", 73: "Í" },
    ...{ 79: "Ó", 85: "Ú", 91: "Ã", 92: "Õ", 97: "Â", 105: "í", 111: "ó", 117: "ú" },
    ...{ 123: "ã", 124: "õ", 127: "â" },
  },
};

/**
 * The text of septets in a language's tables; a language without a table reads as the default. Where
 * the single shift table has nothing the locking table counts, where that has nothing a space.
 */
export function decodeNationalGsm7(septets: Uint8Array, tables: NationalTables): string {
  const alphabet = locking[tables.locking] ?? indianLocking[tables.locking] ?? gsm7Alphabet;
  let text = "";
  for (let index = 0; index < septets.length; index += 1) {
    const septet = (septets[index] ?? 0) & 0x7f;
    if (septet !== ESCAPE) {
      text += plainly(alphabet[septet]);
      continue;
    }
    index += 1;
    const code = septets[index] ?? ESCAPE;
    text += shifted(tables.single, code & 0x7f) ?? plainly(alphabet[code & 0x7f]);
  }
  return text;
}

/** An escape behind an escape is kept for tables to come, and shown as a space (6.2.1.1). */
const blank: readonly string[] = [nothing, "\u001b"];

function plainly(character: string | undefined): string {
  return character === undefined || blank.includes(character) ? " " : character;
}

function shifted(language: number, code: number): string | undefined {
  const found = indianSingle[language]?.[code] ?? (single[language] ?? extension)[code];
  return found === undefined || blank.includes(found) ? undefined : found;
}
