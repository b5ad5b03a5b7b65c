import { afterAll, beforeAll, expect, test } from "vitest";
import { type Asked, type StartedApp, startTestApp } from "./started-app.ts";

// Every rule of a new message, with its code.
const longCode = "+15005550100";
const phone = "+14155552671";
const text = { To: phone, From: longCode, Body: "Hello" };
let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const call = (path: string, asked?: Asked) => started.call(path, asked);
const post = (form: NonNullable<Asked["form"]>, asked: Asked = {}) =>
  call(`${started.home}/Messages.json`, { form, ...asked });

const refused: [string, Record<string, string | string[]>, number][] = [
  ["no recipient", { To: "" }, 21604],
  ["spaces for a recipient", { To: " " }, 21604],
  ["a recipient that is no number", { To: "hello" }, 21211],
  ["no sender", { From: "" }, 21603],
  ["a sender that is no number", { From: "Long@wave" }, 21212],
  ["a name where phones take none", { From: "Longwave" }, 21612],
  ["the recipient as sender", { To: longCode }, 21266],
  ["a sender of nobody", { From: "+12025550199" }, 21659],
  ["a service that is not there", { MessagingServiceSid: `MG${"a".repeat(32)}` }, 21701],
  ["a service sid that is none", { MessagingServiceSid: "MG1" }, 21705],
  ["no body", { Body: "" }, 21619],
  ["a body with a NUL", { Body: "a\0b" }, 21619],
  ["a long body", { Body: "x".repeat(1_601) }, 21617],
  ["a callback without a scheme", { StatusCallback: "example.com" }, 21609],
  ["a callback to another scheme", { StatusCallback: "ftp://example.com/" }, 21609],
  ["a callback to a host with an underscore", { StatusCallback: "https://a_b.example/" }, 21609],
  ["a long callback", { StatusCallback: `https://example.com/${"x".repeat(4_000)}` }, 21609],
  ["a validity of none", { ValidityPeriod: "0" }, 21624],
  ["a validity of too long", { ValidityPeriod: "36001" }, 21624],
  ["a validity with a fraction", { ValidityPeriod: "1.5" }, 21624],
  ["media of a sender for texts", { MediaUrl: "https://example.com/a.png" }, 21621],
  ["a media URL that is none", { MediaUrl: "a.png" }, 21620],
  ["eleven media", { MediaUrl: Array(11).fill("https://example.com/a.png") }, 21623],
  ["another channel", { To: `whatsapp:${phone}` }, 63007],
  ["a boolean that is none", { SmartEncoded: "perhaps" }, 20001],
  ["a priority that is none", { Priority: "4" }, 20001],
  ["a time to send at", { SendAt: "2030-01-01T00:00:00Z" }, 20001],
  ["a schedule", { ScheduleType: "fixed" }, 20001],
  ["a template", { ContentSid: `HX${"a".repeat(32)}` }, 20001],
  ["a fallback sender beside a sender", { FallbackFrom: longCode }, 21664],
  ["a fallback sender without a service", { From: "", FallbackFrom: longCode }, 21666],
  ["an application", { ApplicationSid: `AP${"a".repeat(32)}` }, 20001],
  ["a location", { PersistentAction: "geo:1,2" }, 20001],
  ["short links", { ShortenUrls: "true" }, 20001],
  ["a text as MMS", { SendAsMms: "true" }, 20001],
  ["a body that is not kept", { ContentRetention: "discard" }, 20001],
  ["an address that is not kept", { AddressRetention: "obfuscate" }, 20001],
];
test.each(refused)("%s is refused with its code, in Twilio's form", async (_name, form, code) => {
  const { status, json } = await post({ ...text, ...form });
  expect(json).toEqual({
    ...{ code, status, message: expect.any(String) },
    more_info: expect.stringMatching(new RegExp(`^http://.*/docs/errors/${code}$`)),
  });
  expect(status).toBe(400);
});

const taken: [string, Record<string, string | string[]>][] = [
  ["names outside the contract", { Unheard: "1", __proto__x: "2" }],
  ["the last of repeated values", { Body: ["first", "Hello"] }],
  [
    "empty values as left out",
    { StatusCallback: "", ValidityPeriod: "", SendAt: "", MediaUrl: "" },
  ],
  ["booleans in any case, and as digits", { SmartEncoded: "True", ProvideFeedback: "0" }],
  ["what changes nothing", { ShortenUrls: "false", SendAsMms: "0", ContentRetention: "RETAIN" }],
  ["what Twilio has for show", { MaxPrice: "1.2", Attempt: "1", ForceDelivery: "true" }],
  ["traffic hints", { TrafficType: "free", RiskCheck: "disable", MessageIntent: "otp" }],
  ["a recipient written for people", { To: " +1 (415) 555-2671 " }],
];
test.each(taken)("%s are taken", async (_name, form) => {
  const { status, json } = await post({ ...text, ...form });
  expect(json).toMatchObject({ to: phone, body: "Hello", status: "queued" });
  expect(status).toBe(201);
});

test("X-Longwave-Priority is the parameter Priority, which wins", async () => {
  const priorityOf = async (headers: Record<string, string>, form = {}) => {
    const { status, json } = await post({ ...text, ...form }, { headers });
    return status === 201 ? await priorities(json.sid) : json.code;
  };
  expect(await priorityOf({ "X-Longwave-Priority": "0" })).toBe(0);
  expect(await priorityOf({ "X-Longwave-Priority": "3" }, { Priority: "1" })).toBe(1);
  expect(await priorityOf({ "X-Longwave-Priority": "4" })).toBe(20001);
  expect(await priorityOf({ "X-Longwave-Priority": "&To=1" })).toBe(20001);
});

/** The priority that a message was stored with. */
async function priorities(sid: string): Promise<number> {
  const { sql } = started.database;
  const rows = await sql<
    { priority: number }[]
  >`select priority from messages order by id desc limit 1`;
  expect(sid).toMatch(/^SM/);
  return rows[0]?.priority ?? -1;
}
