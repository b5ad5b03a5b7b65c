import { expect, test } from "vitest";
import { presets } from "./presets.ts";
import { parseSmppSettings } from "./settings.ts";

const account = { host: "smsc.example", port: 2775, systemId: "us", password: "secret" };

test("four settings are enough, and the others are what most carriers take", () => {
  expect(parseSmppSettings(account)).toMatchObject({
    ...{ window: 100, tls: false, defaultAlphabet: "gsm7", receiptIds: "auto" },
    binds: [{ as: "transceiver", host: "smsc.example", port: 2775 }],
    addressTypes: { international: { ton: 1, npi: 1 }, alphanumeric: { ton: 5, npi: 0 } },
  });
});

test("settings are the same after they were stored", () => {
  const settings = parseSmppSettings({
    ...{ ...account, preset: "rakuten", tlvs: { "0x1400": "1001" }, validity: "relative" },
    binds: [
      { as: "transmitter", window: 5, addressTypes: { shortCode: { ton: 7 } } },
      { as: "receiver", host: "other.example", port: 3550, systemId: "us2", password: "other" },
    ],
    addressTypes: { shortCode: { ton: 6 } },
  });
  expect(parseSmppSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
});

test("a preset sets what its provider asks for, and what is given counts more", () => {
  expect(parseSmppSettings({ ...account, preset: "rakuten" })).toMatchObject({ window: 20 });
  expect(parseSmppSettings({ ...account, preset: "rakuten", window: 5 }).window).toBe(5);
});

test.each(presets.map(({ name }) => name))("the preset %s is right in itself", (preset) => {
  expect(parseSmppSettings({ ...account, preset })).toMatchObject(account);
});

test.each([
  ["preset", { preset: "nobody" }],
  ["window", { window: 0 }],
  ["port", { port: 65_536 }],
  ["segmentsPerMinute", { segmentsPerMinute: 100_001 }],
  ["segmentsPerDay", { segmentsPerDay: 0.5 }],
  ["dayZone", { dayZone: "Mars/Olympus" }],
  ["password", { password: "a".repeat(17) }],
  ["systemId", { systemId: "a\0b" }],
  ["window", { binds: [{ window: 0 }] }],
  ["concatenation", { binds: [{}, { concatenation: "payload" }] }],
  ["binds", { binds: [] }],
  ["binds", { binds: [{ as: "receiver" }] }],
  ["as", { binds: [{ as: "outbind" }] }],
  ["ton", { addressTypes: { international: { ton: 256 } } }],
  ["tlvs", { tlvs: { "0x0204": "1" } }],
  ["0x1400", { tlvs: { "0x1400": 7 } }],
  ["receiptIds", { receiptIds: "octal" }],
  ["errorCodes", { errorCodes: { "027": 200 } }],
])("a wrong %s is refused by its name", (name, given) => {
  expect(() => parseSmppSettings({ ...account, ...given })).toThrow(name);
});
