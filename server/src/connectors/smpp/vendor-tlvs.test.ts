import { expect, test } from "vitest";
import type { Submission } from "../connector.ts";
import { parseSmppSettings } from "./settings.ts";
import { createVendorTlvs } from "./vendor-tlvs.ts";

const account = { host: "smsc.example", port: 2775, systemId: "us", password: "secret" };
const submission: Submission = {
  ...{ id: 1n, part: 1, parts: 1, attempt: 1, sender: "ACMEIN", recipient: "+919812345678" },
  ...{ encoding: "GSM-7", text: "", reference: 7, validUntil: new Date(0) },
};
const settings = parseSmppSettings({
  ...account,
  tlvs: { "0x1400": "entity" },
  tlvRules: [
    { template: "Your code is {#var#}. It works for {#var#} minutes.", tlvs: { "0x1401": "code" } },
    { template: "We are closed.", tlvs: { "0x1401": "closed" } },
    { senders: ["ACMEIN"], template: "{#var#}, your table", tlvs: { "0x1401": "table" } },
    { senders: ["ACMEIN"], tlvs: { "0x1400": "other", "0x1401": "any" } },
  ],
});
const tlvsOf = createVendorTlvs(settings);

test.each([
  ["a template", { text: "Your code is 12. It works for 5 minutes." }, "entity", "code"],
  [
    "a template and a part of the text",
    { text: "Your", body: "We are closed." },
    "entity",
    "closed",
  ],
  ["a sender and a template", { text: "Ana, your table" }, "entity", "table"],
  ["a sender alone, in the place of all", { text: "Hello" }, "other", "any"],
  ["no rule", { text: "Hello", sender: "OTHER" }, "entity", undefined],
  ["a text that goes on after it", { text: "We are closed. Not." }, "other", "any"],
  [
    "pieces that overlap",
    { sender: "OTHER", text: "Your code is . It works for minutes." },
    ...(["entity", undefined] as const),
  ],
])("the vendor's TLVs of a text are those of %s", (_rule, fields, entity, template) => {
  const tlvs = tlvsOf({ ...submission, ...fields });
  const textOf = (tag: number) => tlvs.get(tag)?.toString().replace("\0", "");
  expect([textOf(0x1400), textOf(0x1401)]).toEqual([entity, template]);
});

test.each([
  [[{ senders: [], tlvs: {} }]],
  [[{ senders: ["A"], tlvs: { "0x0204": "1" } }]],
  [[{ template: "", tlvs: {} }]],
  ["x"],
])("a wrong rule is refused: %o", (tlvRules) => {
  expect(() => parseSmppSettings({ ...account, tlvRules })).toThrow(/tlvRules|tlvs|template/);
});
