import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { submitResultOf } from "./answers.ts";
import { parseDefinition } from "./definition.ts";
import { readPrice } from "./places.ts";
import { parseHttpSettings, parseTwilioSettings } from "./settings.ts";
import { fill, fillPath } from "./template.ts";

const folder = join(import.meta.dirname, "../../../providers");
const read = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
const telnyx = { apiKey: "KEY", publicKey: "cHVibGlj" };

test.each(readdirSync(folder))(
  "the provider in %s is as a definition must be, and in the guide",
  (file) => {
    const name = file.replace(".json", "");
    expect(parseDefinition(read(name))).toMatchObject({ name });
    const guide = readFileSync(join(folder, "../../docs/add-a-carrier.md"), "utf8");
    for (const setting of Object.keys(read(name).settings))
      expect(guide).toContain(`\`${setting}\``);
  },
);

test("the guide names every field of a definition", () => {
  const guide = readFileSync(join(folder, "../../docs/add-a-carrier.md"), "utf8");
  expect(existsSync(folder)).toBe(true);
  for (const field of Object.keys(read("twilio"))) expect(guide).toContain(`\`${field}`);
});

test.each([
  [
    "a name that nothing fills",
    { send: { ...read("telnyx").send, path: "/{settings.gone}" } },
    "settings.gone",
  ],
  [
    "a customer's text in a header",
    { send: { ...read("telnyx").send, headers: { x: "{text}" } } },
    "{text}",
  ],
  ["a place that is no pointer", { answer: { ...read("telnyx").answer, id: "id" } }, "answer.id"],
  ["no inbound", { inbound: undefined }, "inbound"],
  ["a signature of another kind", { signature: { scheme: "none", key: "" } }, "signature.scheme"],
])("a definition with %s is refused, and told why", (_name, change, why) => {
  const parse = () => parseDefinition({ ...read("telnyx"), ...change });
  expect(parse).toThrow(
    expect.objectContaining({ code: 20001, message: expect.stringContaining(why) }),
  );
});

test.each([
  [{ provider: "telnyx", publicKey: "x" }, "apiKey"],
  [{ provider: "telnyx", ...telnyx, password: "x" }, "password"],
  [{ provider: "telnyx", ...telnyx, apiKey: "a\r\nx: y" }, "apiKey"],
  [{ provider: "telnyx", ...telnyx, window: 65 }, "window"],
  [{ provider: "telnyx", ...telnyx, senderLimits: { fax: 1 } }, "senderLimits"],
  [{ provider: "telnyx", ...telnyx, baseUrl: "https://me:secret@api.test" }, "baseUrl"],
  [{ provider: "nobody" }, "provider"],
])("settings %j are refused for their %s", (settings, name) => {
  const parse = () => parseHttpSettings(settings);
  expect(parse).toThrow(
    expect.objectContaining({ code: 20001, message: expect.stringContaining(name) }),
  );
});

test("an operator's own definition is taken as the built-in ones are", () => {
  const own = { ...read("telnyx"), name: "own", baseUrl: "https://own.example" };
  const settings = parseHttpSettings({ provider: own, ...telnyx });
  expect(settings).toMatchObject({ baseUrl: "https://own.example", values: telnyx, window: 20 });
});

test("a name in braces in a customer's text stays as it is", () => {
  const values = { text: "{settings.apiKey} {sender}", settings: { apiKey: "secret" } };
  expect(fill({ text: "{text}", optional: "{settings.none}", list: ["{text}"] }, values)).toEqual({
    text: "{settings.apiKey} {sender}",
    list: ["{settings.apiKey} {sender}"],
  });
  expect(fillPath("/to/{id}", { id: "a/b?c" })).toBe("/to/a%2Fb%3Fc");
});

const { definition } = parseTwilioSettings({ accountSid: "AC1", authToken: "t" });
const answered = (status: number, json: object | string, headers = {}) =>
  submitResultOf(definition, {
    ...{ kind: "answered", status, headers, isTruncated: false },
    body: typeof json === "string" ? json : JSON.stringify(json),
  });

test.each([
  ["a sid", answered(201, { sid: "SM1" }), "accepted"],
  ["a success without one", answered(201, {}), "unknown"],
  ["no JSON", answered(200, "<html>"), "unknown"],
  ["a gateway's trouble", answered(502, "Bad gateway"), "unknown"],
  ["an error of the server", answered(500, { code: 20500 }), "unknown"],
  ["a redirect", answered(302, ""), "unknown"],
  ["unavailable", answered(503, { code: 20503 }), "unavailable"],
  ["wrong credentials", answered(401, { code: 20003 }), "unavailable"],
  ["too many requests", answered(429, { code: 20429 }), "throttled"],
  ["a full queue", answered(400, { code: 21611 }), "throttled"],
  ["a refusal", answered(400, { code: 21211 }), "refused"],
  [
    "nothing, when it had begun",
    submitResultOf(definition, { kind: "failed", reason: "read-timeout", hasBegun: true }),
    "unknown",
  ],
  [
    "nothing, before it began",
    submitResultOf(definition, { kind: "failed", reason: "connect", hasBegun: false }),
    "unavailable",
  ],
])("the answer %s is %o", (_name, result, kind) => {
  expect(result.kind).toBe(kind);
});

test("Retry-After is kept, up to five minutes", () => {
  const waits = ["2", "99999", "soon"].map((after) => answered(429, {}, { "retry-after": after }));
  expect(waits.map((one) => (one.kind === "throttled" ? one.retryAfterMs : 0))).toEqual([
    2_000, 300_000, 1_000,
  ]);
});

test.each([
  ["-0.00790", 7_900n],
  ["0.0333", 33_300n],
  ["1", 1_000_000n],
  ["", undefined],
  ["free", undefined],
])("a price written %s costs %s micros", (amount, micros) => {
  const price = readPrice({ amount, unit: "usd" }, { amount: "/amount", currency: "/unit" });
  expect(price?.micros).toBe(micros);
});
