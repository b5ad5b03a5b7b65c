import { expect, test } from "vitest";
import { indianLocking, indianSingle, nothing } from "./indian-gsm7.ts";
import { decodeNationalGsm7 } from "./national-gsm7.ts";

const read = (hex: string, tables: { single?: number; locking?: number }) =>
  decodeNationalGsm7(Buffer.from(hex, "hex"), { single: 0, locking: 0, ...tables });

test.each([
  ["Turkish", 1, "0b1d40", "Ğşİ"],
  ["Portuguese", 3, "5b7b40", "ÃãÍ"],
  ["Bengali", 4, "4050014650", "বাংলা"],
  ["Gujarati", 5, "17531d44502752", "ગુજરાતી"],
  ["Hindi", 6, "2f424c5f2759", "नमस्ते"],
  ["Kannada", 7, "152f5f2f24", "ಕನ್ನಡ"],
  ["Malayalam", 8, "424643504701", "മലയാളം"],
  ["Oriya", 9, "41504b50", "ଭାଷା"],
  ["Punjabi", 10, "3d7b1d504052", "ਪੰਜਾਬੀ"],
  ["Tamil", 11, "274251485f", "தமிழ்"],
  ["Telugu", 12, "275846531753", "తెలుగు"],
  ["Urdu", 13, "00251a53", "اردو"],
])("a word in the locking table of %s is read", (_language, locking, hex, text) => {
  expect(read(hex, { locking })).toBe(text);
});

test.each([
  ["Turkish", 1, "1b531b67", "Şğ"],
  ["Spanish", 2, "1b411b65", "Á€"],
  ["Portuguese", 3, "1b5b1b7f", "Ãâ"],
  ["Bengali", 4, "1b201b19", "\u09ec\u09e6"],
  ["Gujarati", 5, "1b1c1b19", "૦।"],
  ["Hindi", 6, "1b1c1b3a", "०ॱ"],
  ["Kannada", 7, "1b261b2a", "ೞೲ"],
  ["Malayalam", 8, "1b301b22", "ൻ൬"],
  ["Oriya", 9, "1b201b2c", "୪ୱ"],
  ["Punjabi", 10, "1b2d1b41", "ੵA"],
  ["Tamil", 11, "1b261b65", "௳€"],
  ["Telugu", 12, "1b1c1b14", "౦^"],
  ["Urdu", 13, "1b3f1b1c", "۔۰"],
])("a character behind the escape in the table of %s is read", (_language, single, hex, text) => {
  expect(read(hex, { single })).toBe(text);
});

test("where the single shift table has nothing the locking table counts, then a space", () => {
  expect(read("1b6141", { single: 6, locking: 6 })).toBe("a\u092d");
  expect(read("411b1b1b0d", { single: 4 })).toBe("A \r");
  expect(read("4200", { locking: 11 })).toBe("ம ");
  expect(read("1b", { single: 6 })).toBe(" ");
});

const scripts: Readonly<Record<string, RegExp>> = {
  4: /\p{Script=Bengali}/u,
  5: /\p{Script=Gujarati}/u,
  6: /\p{Script=Devanagari}/u,
  7: /\p{Script=Kannada}/u,
  8: /\p{Script=Malayalam}/u,
  9: /\p{Script=Oriya}/u,
  10: /\p{Script=Gurmukhi}/u,
  11: /\p{Script=Tamil}/u,
  12: /\p{Script=Telugu}/u,
  13: /\p{Script=Arabic}/u,
};

test.each(Object.entries(scripts))(
  "the tables of language %s have 128 places, their own script, and nothing twice",
  (language, script) => {
    for (const table of [indianLocking[Number(language)], indianSingle[Number(language)]]) {
      expect(table).toHaveLength(128);
      const own = [...(table ?? "")].filter((one) => one > "\u05ff");
      expect(own.length).toBeGreaterThan(10);
      expect(own.filter((one, index) => own.indexOf(one) !== index)).toEqual([]);
      expect(own.filter((one) => /\p{Cn}/u.test(one))).toEqual([]);
      // Signs and dandas are of several scripts; letters are of one.
      const letters = own.filter((one) => /\p{L}/u.test(one) && one !== "ـ");
      expect(letters.filter((one) => !script.test(one))).toEqual([]);
    }
    expect(indianLocking[Number(language)]).toMatch(/a.*z/s);
    expect(indianSingle[Number(language)]).toContain(nothing);
  },
);
