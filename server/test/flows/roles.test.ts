import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { basic } from "../compat/started-app.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

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
  await expect.poll(statuses, { timeout: 10_000 }).toContain("delivered");
  expect(dispatch.simulator?.shown("+12025550123")).toMatchObject([{ body: "Hello" }]);
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
      { timeout: 10_000, interval: 1_000 },
    )
    .toContain("Yes.");
});
