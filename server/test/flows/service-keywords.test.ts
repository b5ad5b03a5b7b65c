import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { readContract } from "../compat/contract.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const number = "+15005550100";
let started: StartedApp;
let client: twilio.Twilio;
let receiver: Server;
let serviceSid: string;
const forms: Record<string, string>[] = [];

beforeAll(async () => {
  started = await startTestApp();
  const { sid: accountSid, token: authToken } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid, authToken });
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      forms.push(Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())));
      response.end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  const service = await client.messaging.v1.services.create({
    friendlyName: "Keywords",
    inboundRequestUrl: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/inbound`,
  });
  serviceSid = service.sid;
  const [held] = await client.incomingPhoneNumbers.list({ phoneNumber: number });
  await client.messaging.v1
    .services(serviceSid)
    .phoneNumbers.create({ phoneNumberSid: held?.sid ?? "" });
});
afterAll(async () => {
  await started?.close();
  receiver?.close();
  expect(started.bugs).toEqual([]);
});

const keywords = (sets?: unknown, as?: { sid: string; token: string }, service = serviceSid) =>
  started.call(`/longwave/v1/Services/${service}/Keywords`, {
    ...(sets === undefined
      ? {}
      : { body: JSON.stringify({ sets }), headers: { "content-type": "application/json" } }),
    ...(as === undefined ? {} : { as }),
  });
const text = (from: string, body: string) =>
  started.app.simulator?.inject({ from, to: number, body });
const repliesTo = async (to: string) =>
  (await client.messages.list({ to })).map(({ body }) => body);
const heard = (from: string) =>
  forms.filter(({ From }) => From === from).map(({ OptOutType }) => OptOutType);

const french = {
  ...{ kind: "stop", language: "FRENCH", country: "ALL", keywords: ["Arret"], reply: "Fini." },
};
const canadian = { ...french, country: "CA", keywords: [], reply: "Fini, au Canada." };

test("a service's own word opts out and is answered by the phone's country", async () => {
  expect((await keywords()).json).toEqual({ sets: [] });
  const set = await keywords([french, canadian]);
  expect(set).toMatchObject({ status: 200, json: { sets: [{ keywords: ["ARRET"] }, {}] } });
  expect((await keywords()).json).toEqual(set.json);
  const [paris, montreal, boston] = ["+33612345678", "+15145550123", "+16175550123"];
  text(paris, "arret");
  text(montreal, "arret");
  text(boston, "STOP");
  await expect.poll(() => repliesTo(paris)).toEqual(["Fini."]);
  await expect.poll(() => repliesTo(montreal)).toEqual(["Fini, au Canada."]);
  await expect.poll(() => repliesTo(boston)).toEqual([expect.stringContaining("Reply START")]);
  await expect.poll(() => heard(montreal)).toEqual(["STOP"]);
  const { json } = await started.call(`/longwave/v1/OptOuts?Pool=${serviceSid}`);
  expect(json.opt_outs).toMatchObject([
    { recipient: montreal, keyword: "ARRET" },
    { recipient: boston, keyword: "STOP" },
    { recipient: paris, keyword: "ARRET" },
  ]);
});

test("keywords that are taken back are texts like any other", async () => {
  await keywords([]);
  text("+33612345679", "arret");
  await expect.poll(() => heard("+33612345679")).toEqual([undefined]);
});

test("keywords that contradict each other are refused and change nothing", async () => {
  const before = (await keywords([french])).json;
  const refused = await keywords([{ ...french, kind: "help", keywords: ["STOP"] }]);
  expect(refused).toMatchObject({ status: 400, json: { code: 20001 } });
  expect((await keywords()).json).toEqual(before);
});

test("another account neither reads nor sets a service's keywords", async () => {
  const { json } = await started.call("/2010-04-01/Accounts.json", { form: { FriendlyName: "B" } });
  const other = { sid: json.sid, token: json.auth_token };
  expect((await keywords(undefined, other)).status).toBe(404);
  expect((await keywords([], other)).status).toBe(404);
  expect((await keywords()).json.sets).toHaveLength(1);
});

test("an account's export has its services' keywords", async () => {
  const { text: lines } = await started.call("/longwave/v1/Export");
  const exported = lines.split("\n").find((line) => line.includes(`"sid":"${serviceSid}"`));
  expect(exported).toContain('"keywords":["ARRET"]');
});

/** Twilio's SDK has no helper for these paths. */
const optOuts = async (method: "get" | "post" | "delete", path: string, data = {}) => {
  const uri = `https://messaging.twilio.com/v3/OptOuts${path}`;
  const { statusCode, body } = await client.request({
    ...{ method, uri },
    ...(method === "post" ? { data } : { params: data }),
  });
  return { status: statusCode, json: body };
};
const contract = readContract("messaging_v3"); // not at hand everywhere

test("Twilio's OptOuts paths set a service's keywords and replies one at a time", async () => {
  await keywords([]);
  const config = `OO${serviceSid.slice(2)}`;
  const english = { keywordType: "STOP.ENGLISH", messageType: "US" };
  const added = await optOuts("post", `/${config}/Keywords`, { ...english, keyword: "Basta" });
  expect(added).toMatchObject({
    status: 201,
    json: { config: [{ keyword_type: "STOP.ENGLISH", message_type: "US", keywords: ["BASTA"] }] },
  });
  const replied = await optOuts("post", `/${config}/Messages`, { ...english, message: "Gone." });
  expect(replied.json.config).toEqual([
    { keyword_type: "STOP.ENGLISH", message_type: "US", message: "Gone." },
  ]);
  text("+16175550124", "basta");
  await expect.poll(() => repliesTo("+16175550124")).toEqual(["Gone."]);
  await optOuts("delete", `/${config}/Keywords`, { ...english, keyword: "BASTA" });
  await optOuts("delete", `/${config}/Messages`, english);
  expect((await keywords()).json).toEqual({ sets: [] });
  expect((await optOuts("delete", `/${config}/Messages`, english)).status).toBe(404);
});

test("the OptOuts paths have the shapes that Twilio published", async () => {
  await keywords([french, canadian]);
  const config = `/OO${serviceSid.slice(2)}`;
  for (const [path, shape] of [
    [config, "OptOutConfig"],
    ["/DefaultKeywordsMessages", "KeywordConfigurationResponse"],
    ["/Configurations/Languages", "LocaleResponse"],
    ["/Configurations/MessageTypes", "SupportedMessageTypes"],
    [`${config}/MessageTypes`, "MessageTypesResponse"],
    [`${config}/Messages`, "MessagesResponse"],
    [`${config}/Keywords`, "KeywordsResponse"],
  ] as const) {
    const { status, json } = await optOuts("get", path);
    expect([path, status, contract?.faultsOf(shape, json) ?? []]).toEqual([path, 200, []]);
  }
  const { json } = await optOuts("get", "");
  expect(json.opt_outs.map((one: { opt_out_sid: string }) => `/${one.opt_out_sid}`)).toContain(
    config,
  );
});

test("the OptOuts paths take JSON, refuse what contradicts STOP, and are their account's", async () => {
  const path = `/v3/OptOuts/OO${serviceSid.slice(2)}`;
  const add = (body: object, as?: { sid: string; token: string }) =>
    started.call(`${path}/Keywords`, {
      ...{ method: "POST", body: JSON.stringify(body), ...(as && { as }) },
      headers: { "content-type": "application/json" },
    });
  await keywords([]);
  const word = { keywordType: "HELP.FRENCH", messageType: "ALL", keyword: "aide" };
  expect((await add(word)).json.config).toMatchObject([{ keywords: ["AIDE"] }]);
  expect((await add({ ...word, keyword: "STOP" })).json).toMatchObject({ code: 20001 });
  expect((await add({ ...word, keywordType: "HELP.KLINGON" })).json).toMatchObject({ code: 20001 });
  const { json } = await started.call("/2010-04-01/Accounts.json", { form: { FriendlyName: "C" } });
  const other = { sid: json.sid, token: json.auth_token };
  expect((await add(word, other)).status).toBe(404);
  expect((await started.call(`${path}/Messages`, { as: other })).status).toBe(404);
  expect((await started.call(path, { as: other })).status).toBe(404);
});

test("a service's keywords go with it", async () => {
  const { sid } = await client.messaging.v1.services.create({ friendlyName: "Short" });
  await keywords([french], undefined, sid);
  await client.messaging.v1.services(sid).remove();
  expect((await keywords(undefined, undefined, sid)).status).toBe(404);
});
