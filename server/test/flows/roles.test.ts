import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { basic } from "../compat/started-app.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { type FakeTwilio, startFakeTwilio } from "../fake-twilio/fake-twilio.ts";

const longCode = "+15005550100";
let database: TestDatabase;
let folder: string;
let api: App;
let dispatch: App;
let webhooks: App;
let receiver: Server;
let receiverUrl: string;
const told: { url: string; form: URLSearchParams; atMs: number }[] = [];

/** One process of an installation: here all live in this one, on the same database. */
async function startRole(role: string, simulator: "on" | "off"): Promise<App> {
  const config = readConfig({
    ...{ PORT: "0", LONGWAVE_DATA_DIR: folder, LONGWAVE_SIMULATOR_HTTP_PORT: "0" },
    ...{ LONGWAVE_ROLE: role, LONGWAVE_SIMULATOR: simulator },
  });
  const report = (error: unknown) => {
    throw error;
  };
  return startApp({ ...{ config, address: database.address, clock, version: "0", report } });
}

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "longwave-roles-"));
  dispatch = await startRole("dispatch", "on");
  api = await startRole("api", "off");
  webhooks = await startRole("webhooks", "off");
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const url = request.url ?? "";
      told.push({ url, form: new URLSearchParams(body), atMs: performance.now() });
      response.writeHead(200, { "content-type": "text/xml" });
      response.end(url === "/inbound" ? "<Response><Message>Yes.</Message></Response>" : "");
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});

afterAll(async () => {
  for (const app of [api, webhooks, dispatch]) await app.close();
  await database.close();
  receiver.close();
  await rm(folder, { recursive: true, force: true });
});

async function post(path: string, form: Record<string, string>) {
  const { firstAccount } = api;
  const response = await fetch(`${api.url}/2010-04-01/Accounts/${firstAccount.sid}/${path}`, {
    ...{ method: "POST", headers: { authorization: basic(firstAccount) } },
    body: new URLSearchParams(form),
  });
  return { status: response.status, json: (await response.json()) as Record<string, string> };
}

test("an api, a dispatch and a webhooks process together deliver a text and tell so", async () => {
  const { status, json } = await post("Messages.json", {
    ...{ To: "+12025550123", From: longCode, Body: "Hello" },
    StatusCallback: `${receiverUrl}/status`,
  });
  expect(status).toBe(201);
  const statuses = () =>
    told
      .filter(({ form }) => form.get("MessageSid") === json.sid)
      .map(({ form }) => form.get("MessageStatus"));
  await expect.poll(statuses).toContain("delivered");
  expect(dispatch.simulator?.shown("+12025550123")).toMatchObject([{ body: "Hello" }]);
});

test("the process that serves the API tells how the connectors stand in the one that sends", async () => {
  const simulated = async () => {
    const response = await fetch(`${api.url}/longwave/v1/Connectors`, {
      headers: { authorization: basic(api.firstAccount) },
    });
    const { connectors } = (await response.json()) as { connectors: { state: object }[] };
    return connectors[0];
  };
  await expect
    .poll(simulated, { timeout: 30_000 })
    .toMatchObject({ name: "simulator", state: { phase: "bound", window: 100 } });
});

test("a phone's text goes through dispatch to webhooks, and the TwiML's reply back", async () => {
  const response = await fetch(
    `${api.url}/2010-04-01/Accounts/${api.firstAccount.sid}/IncomingPhoneNumbers.json`,
    { headers: { authorization: basic(api.firstAccount) } },
  );
  const { incoming_phone_numbers: numbers } = (await response.json()) as {
    incoming_phone_numbers: { sid: string; phone_number: string }[];
  };
  const number = numbers.find(({ phone_number }) => phone_number === longCode);
  await post(`IncomingPhoneNumbers/${number?.sid}.json`, { SmsUrl: `${receiverUrl}/inbound` });
  const replies = () => dispatch.simulator?.shown("+12025550125").map(({ body }) => body);
  await expect
    .poll(
      () => {
        if (!told.some(({ url }) => url === "/inbound")) {
          dispatch.simulator?.inject({ from: "+12025550125", to: longCode, body: "Open?" });
        }
        return replies();
      },
      { interval: 1_000 },
    )
    .toContain("Yes.");
});

test("a process that only serves the API stores what a carrier calls it with", async () => {
  const number = "+12025550101";
  const fake = await startFakeTwilio({
    numbers: [{ phone_number: number, sms_url: `${api.url}/connectors/twilio/inbound` }],
  });
  fake.behave = () => ({ kind: "take", ends: "nothing" });
  await connectTwilio(fake, number);

  const { json } = await post("Messages.json", { To: "+14155552671", From: number, Body: "Hi" });
  await expect.poll(() => fake.world.messages.length, { timeout: 30_000 }).toBe(1);
  const url = `${api.url}/connectors/twilio/status`;
  const form = { MessageSid: String(fake.world.messages[0]?.sid), MessageStatus: "delivered" };
  const signature = twilio.getExpectedTwilioSignature(fake.authToken, url, form);
  const bring = async (headers: Record<string, string>) =>
    (await fetch(url, { method: "POST", headers, body: new URLSearchParams(form) })).status;
  expect(await bring({})).toBe(403);
  expect(await bring({ "x-twilio-signature": signature })).toBe(204);
  const status = async () => (await get(`Messages/${json.sid}.json`)).status;
  await expect.poll(status, { timeout: 30_000 }).toBe("delivered");

  expect(await fake.receive("+14155552671", number, "Open?")).toBe(204);
  const texts = async () =>
    (await get(`Messages.json?To=${encodeURIComponent(number)}`)).messages as unknown;
  await expect.poll(texts, { timeout: 30_000 }).toMatchObject([{ body: "Open?" }]);
  await fake.close();
});

async function get(path: string): Promise<Record<string, unknown>> {
  const { firstAccount } = api;
  const response = await fetch(`${api.url}/2010-04-01/Accounts/${firstAccount.sid}/${path}`, {
    headers: { authorization: basic(firstAccount) },
  });
  return (await response.json()) as Record<string, unknown>;
}

/** Resolves when the process that serves the API knows of it. */
async function connectTwilio({ accountSid, authToken, url: baseUrl }: FakeTwilio, number: string) {
  const settings = { accountSid, authToken, baseUrl };
  await postJson("Connectors", { name: "twilio", kind: "twilio", settings });
  const sender = { number, kind: "long_code", country: "US", connector: "twilio" };
  await postJson("Inventory", { numbers: [{ ...sender, segments_per_second: 50 }] });
  expect((await post("IncomingPhoneNumbers.json", { PhoneNumber: number })).status).toBe(201);
  const known = async () => {
    const called = await fetch(`${api.url}/connectors/twilio/status`, { method: "POST" });
    return called.status;
  };
  await expect.poll(known, { timeout: 30_000 }).toBe(403);
}

async function postJson(path: string, json: object): Promise<void> {
  const response = await fetch(`${api.url}/longwave/v1/${path}`, {
    method: "POST",
    headers: { authorization: basic(api.firstAccount), "content-type": "application/json" },
    body: JSON.stringify(json),
  });
  expect([path, response.ok]).toEqual([path, true]);
}
