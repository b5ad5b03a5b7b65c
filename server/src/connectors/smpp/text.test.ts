import fc from "fast-check";
import { expect, test } from "vitest";
import { splitBody } from "../../segments/segment.ts";
import { emptyMessage, tlvs } from "../../smpp/pdus.ts";
import type { Submission } from "../connector.ts";
import { packSeptets, unpackSeptets } from "./septets.ts";
import { parseSmppSettings } from "./settings.ts";
import { decodeText, encodeText } from "./text.ts";

const account = { host: "smsc.example", port: 2775, systemId: "us", password: "secret" };
const submission: Submission = {
  ...{ id: 1n, part: 1, parts: 1, attempt: 1, sender: "+15550100", recipient: "+15550101" },
  ...{ encoding: "GSM-7", text: "Hello", reference: 7, validUntil: new Date(0) },
};

test.each([
  ["GSM-7", {}],
  ["packed GSM-7", { defaultAlphabet: "gsm7Packed" }],
  ["Latin-1", { defaultAlphabet: "latin1" }],
  ["message_payload", { textIn: "messagePayload" }],
  ["SAR TLVs", { concatenation: "sar" }],
])("a text in %s comes back with its place in the whole", (_how, given) => {
  const settings = parseSmppSettings({ ...account, ...given });
  const texts = ["Grüße!", "a", "1234567", "12345678", "x".repeat(153)];
  for (const text of texts) {
    for (const [part, parts] of [
      [1, 1],
      [2, 3],
    ] as const) {
      const encoded = encodeText({ ...submission, text, part, parts }, settings);
      expect(decodeText({ ...emptyMessage, ...encoded }, settings)).toEqual({
        ...{ text, part, total: parts, reference: parts === 1 ? 0 : 7 },
      });
    }
  }
});

test("SAR carries a reference of 16 bits, a header one of 8", () => {
  const long = { ...submission, part: 2, parts: 3, reference: 0x1234 };
  const sar = encodeText(long, parseSmppSettings({ ...account, concatenation: "sar" }));
  expect(decodeText({ ...emptyMessage, ...sar }).reference).toBe(0x1234);
  expect(decodeText({ ...emptyMessage, ...encodeText(long) }).reference).toBe(0x34);
});

test.each([
  ["GSM-7", {}, "x", 152],
  ["packed GSM-7", { defaultAlphabet: "gsm7Packed" }, "x", 152],
  ["UCS-2", {}, "я", 66],
] as const)(
  "a header with 16 bits in %s leaves each part one character less",
  (how, given, letter, most) => {
    const settings = parseSmppSettings({ ...account, ...given, concatenation: "udh16" });
    const encoding: Submission["encoding"] = how === "UCS-2" ? how : "GSM-7";
    const decodedParts = (body: string) => {
      const { parts } = splitBody(body);
      return parts.map((text, index) => {
        const one = { ...submission, encoding, body, text, parts: parts.length, part: index + 1 };
        const encoded = encodeText({ ...one, reference: 0x1234 }, settings);
        const octets = encoded.shortMessage.length - (how === "GSM-7" ? 7 : 0);
        expect(octets).toBeLessThanOrEqual(how === "GSM-7" ? 153 : 140);
        return decodeText({ ...emptyMessage, ...encoded }, settings);
      });
    };
    const fits = letter.repeat(3 * most);
    expect(decodedParts(fits)).toEqual(
      [1, 2, 3].map((part) => ({ text: letter.repeat(most), reference: 0x1234, total: 3, part })),
    );
    // One character more would need a part more than was counted: 8 bits do it in three.
    const tight = decodedParts(`${fits}${letter}`);
    expect(tight.map(({ text }) => text).join("")).toBe(`${fits}${letter}`);
    expect(tight.map(({ reference, total }) => [reference, total])).toEqual(
      [1, 2, 3].map(() => [0x34, 3]),
    );
  },
);

test.each([
  ["GSM-7", {}, "x".repeat(160)],
  ["packed GSM-7", { defaultAlphabet: "gsm7Packed" }, "x".repeat(160)],
  ["Latin-1", { defaultAlphabet: "latin1" }, "ñ".repeat(160)],
  ["UCS-2", {}, "я".repeat(70)],
] as const)(
  "a whole text in %s stands in message_payload when it is longer than a segment",
  (how, given, alone) => {
    const settings = parseSmppSettings({ ...account, ...given, concatenation: "payload" });
    const encoding = how === "UCS-2" ? how : "GSM-7";
    for (const [text, isPayload] of [
      [alone, false],
      [`${alone}x`, true],
      [alone.repeat(9), true],
    ] as const) {
      const encoded = encodeText({ ...submission, encoding, text }, settings);
      expect(encoded).toMatchObject({ esmClass: 0 });
      expect(encoded.tlvs.has(tlvs.message_payload)).toBe(isPayload);
      expect(encoded.shortMessage.length === 0).toBe(isPayload);
      expect(decodeText({ ...emptyMessage, ...encoded }, settings)).toMatchObject({
        text,
        total: 1,
      });
    }
  },
);

test("parts that were cut before a connector took whole texts keep their header", () => {
  const payload = parseSmppSettings({ ...account, concatenation: "payload" });
  const part = { ...submission, part: 2, parts: 3 };
  expect(encodeText(part, payload)).toEqual(encodeText(part));
});

test("a text in UCS-2 comes back, emoji and all", () => {
  const encoded = encodeText({ ...submission, encoding: "UCS-2", text: "Съешь 🍞" });
  expect(encoded.dataCoding).toBe(8);
  expect(decodeText({ ...emptyMessage, ...encoded }).text).toBe("Съешь 🍞");
});

test.each([
  ["GSM-7", 0x10],
  ["UCS-2", 0x18],
] as const)("a flash text in %s has data_coding %i and reads the same", (encoding, dataCoding) => {
  const encoded = encodeText({ ...submission, encoding, isFlash: true });
  expect(encoded.dataCoding).toBe(dataCoding);
  expect(decodeText({ ...emptyMessage, ...encoded }).text).toBe("Hello");
});

test("packed septets are those of 3GPP TS 23.038", () => {
  expect(packSeptets(Buffer.from("hellohello")).toString("hex")).toBe("e8329bfd4697d9ec37");
});

test("septets come back from their octets, behind a header too", () => {
  const septets = fc.uint8Array({ min: 1, max: 127, maxLength: 160 });
  void fc.assert(
    fc.property(septets, fc.constantFrom(0, 6, 7), (list, headerBytes) => {
      expect([...unpackSeptets(packSeptets(list, headerBytes), headerBytes)]).toEqual([...list]);
    }),
    { seed: 5 },
  );
});

function received(hex: string, fields: object = {}) {
  return decodeText({ ...emptyMessage, shortMessage: Buffer.from(hex, "hex"), ...fields });
}

test.each([
  ["an 8-bit reference", "050003070201", { reference: 7, total: 2, part: 1 }],
  ["a 16-bit reference", "06080401070202", { reference: 0x107, total: 2, part: 2 }],
  ["ports before the reference", "0b0504000a000a0003070202", { reference: 7, total: 2, part: 2 }],
  ["part 0, which cannot be", "050003070200", { reference: 0, total: 1, part: 1 }],
  ["part 3 of 2, which cannot be", "050003070203", { reference: 0, total: 1, part: 1 }],
])("a header with %s is read", (_what, header, expected) => {
  expect(received(`${header}4869`, { esmClass: 0x40 })).toEqual({ ...expected, text: "Hi" });
});

test.each([
  ["longer than the text", "ff0003070201"],
  ["whose element is longer than it", "05007f070201"],
  ["of no length", "00"],
  ["missing", ""],
])("a header that is %s harms nothing", (_what, hex) => {
  expect(received(hex, { esmClass: 0x40 })).toMatchObject({ total: 1, part: 1 });
});

test.each([
  ["Latin-1", 3, "c9e9", "Éé"],
  ["ASCII", 1, "4869", "Hi"],
  ["GSM-7 that is called ASCII", 1, "1b6520603d40", "€ ¿=¡"],
  ["Cyrillic of ISO 8859-5", 6, "bfe0d8", "При"],
  ["Hebrew of ISO 8859-8", 7, "f9", "ש"],
  ["Shift JIS", 5, "93fa967b", "日本"],
  ["ISO-2022-JP", 10, "1b2442467c1b2842", "日"],
  ["KS C 5601", 14, "c7d1", "한"],
  ["UCS-2 with an odd byte", 8, "004800", "H"],
  ["class 0 of GSM-7", 0xf0, "4869", "Hi"],
  ["class 1 of GSM-7", 0x11, "4869", "Hi"],
  ["class 1 of UCS-2", 0x19, "65e5", "日"],
  ["binary, as hex", 4, "00ff", "00ff"],
  ["8-bit of class 1, as hex", 0xf5, "00ff", "00ff"],
  ["what waits, in UCS-2", 0xe0, "0048", "H"],
  ["a data_coding that nobody defined", 0x0b, "4869", "Hi"],
])("a text in %s is read", (_what, dataCoding, hex, text) => {
  expect(received(hex, { dataCoding }).text).toBe(text);
});

test.each([
  ["Turkish, single shift", "03240101", "1b531b67", "Şğ"],
  ["Turkish, locking", "03250101", "0b1d", "Ğş"],
  ["Spanish, single shift", "03240102", "1b411b65", "Á€"],
  ["Portuguese, single shift", "03240103", "1b5b1b7f", "Ãâ"],
  ["Portuguese, locking", "03250103", "5b7b", "Ãã"],
  ["Hindi, locking and single shift", "06240106250106", "2f425f1b1c", "नम्०"],
  ["a language that nobody defined", "03240199", "411b65", "A€"],
])("a text in the national table %s is read", (_what, header, hex, text) => {
  expect(received(`${header}${hex}`, { esmClass: 0x40 }).text).toBe(text);
});

test("a text in message_payload counts when the short message is empty", () => {
  const payload = new Map([[tlvs.message_payload, Buffer.from("long")]]);
  expect(received("", { tlvs: payload }).text).toBe("long");
});
