import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { type App, startApp } from "../../src/app.ts";
import { runCommand } from "../../src/cli/cli.ts";
import { readConfig } from "../../src/config.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

type Call = { url: string; signature: string; form: Record<string, string> };

let database: TestDatabase;
let app: App;
let folder: string;
let receiver: Server;
let receiverUrl: string;
let client: twilio.Twilio;
const calls: Call[] = [];
const longCode = "+15005550100";

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "longwave-flow-"));
  const config = readConfig({
    ...{ PORT: "0", LONGWAVE_DATA_DIR: folder, LONGWAVE_SIMULATOR_HTTP_PORT: "0" },
  });
  app = await startApp({
    ...{ config, address: database.address, clock: systemClock, version: "0" },
    report: (error) => {
      throw error;
    },
  });
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      const signature = String(request.headers["x-twilio-signature"]);
      calls.push({ url: request.url ?? "", signature, form });
      const reply = "<Response><Message>You said it.</Message></Response>";
      response.writeHead(200, { "content-type": "text/xml" });
      response.end(request.url === "/inbound" ? reply : "");
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  const address = receiver.address();
  receiverUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  const { sid: accountSid, token: authToken } = app.firstAccount;
  client = createLongwaveClient({ baseUrl: app.url, accountSid, authToken });
});

afterAll(async () => {
  await app.close();
  await database.close();
  receiver.close();
  await rm(folder, { recursive: true, force: true });
});

const statusesOf = (sid: string) =>
  calls.filter(({ form }) => form.MessageSid === sid).map(({ form }) => form.MessageStatus);

test("a text from the SDK is delivered and both its statuses are told, signed", async () => {
  const message = await client.messages.create({
    ...{ to: "+12025550123", from: longCode, body: "Hello there" },
    statusCallback: `${receiverUrl}/status`,
  });
  expect(message.status).toBe("queued");
  await expect.poll(() => statusesOf(message.sid).toSorted()).toEqual(["delivered", "sent"]);
  for (const call of calls.filter(({ form }) => form.MessageSid === message.sid)) {
    const { token } = app.firstAccount;
    const isGenuine = twilio.validateRequest(
      token,
      call.signature,
      `${receiverUrl}/status`,
      call.form,
    );
    expect(isGenuine).toBe(true);
  }
  expect((await client.messages(message.sid).fetch()).status).toBe("delivered");
  expect(app.simulator?.shown("+12025550123")).toMatchObject([{ body: "Hello there" }]);
});

test("longwave trace shows the text on its way to the carrier, its number and words masked", async () => {
  await client.messages.create({ to: "+12025550188", from: longCode, body: "A secret word" });
  const trace = async (...argv: string[]) => {
    let out = "";
    const { sid, token } = app.firstAccount;
    const login = ["--url", app.url, "--account", sid, "--token", token];
    await runCommand(["trace", "simulator", "--once", "--last", "1000", ...login, ...argv], {
      out: { write: (text) => (out += text) },
      err: process.stderr,
      ...{ env: {}, fetch },
    });
    return out;
  };
  const submitted = /→ 1 transceiver {2}submit_sm \d+ .* dest="\*+88" .*shortMessage="13 octets"/;
  await expect.poll(() => trace()).toMatch(submitted);
  expect(await trace()).not.toContain("secret");
  expect(await trace("--clear")).toContain('dest="12025550188"');
  expect(await trace("--clear")).toContain("A secret word");
});

test("a long text with emoji arrives whole", async () => {
  const body = `${"Grüße 👋 ".repeat(40)}€`;
  const message = await client.messages.create({ to: "+12025550124", from: longCode, body });
  expect(Number(message.numSegments)).toBeGreaterThan(3);
  await expect
    .poll(() => app.simulator?.shown("+12025550124").map((text) => text.body))
    .toEqual([body]);
});

test("a phone's text reaches the webhook, and the TwiML in its answer reaches the phone", async () => {
  const [number] = await client.incomingPhoneNumbers.list({ phoneNumber: longCode });
  await client
    .incomingPhoneNumbers(number?.sid ?? "")
    .update({ smsUrl: `${receiverUrl}/inbound`, smsMethod: "POST" });
  app.simulator?.inject({ from: "+12025550125", to: longCode, body: "Is it open?" });
  await expect
    .poll(() => app.simulator?.shown("+12025550125").map((text) => text.body))
    .toEqual(["You said it."]);
  const inbound = calls.find(({ url }) => url === "/inbound");
  expect(inbound?.form).toMatchObject({ From: "+12025550125", To: longCode, Body: "Is it open?" });
});

test("STOP is answered once, refuses the next text with 21610, and START takes it back", async () => {
  const phone = "+12025550126";
  app.simulator?.inject({ from: phone, to: longCode, body: "stop" });
  await expect.poll(() => app.simulator?.shown(phone).length).toBe(1);
  const send = () => client.messages.create({ to: phone, from: longCode, body: "Offer" });
  await expect(send()).rejects.toMatchObject({ code: 21610 });
  app.simulator?.inject({ from: phone, to: longCode, body: "START" });
  await expect.poll(() => app.simulator?.shown(phone).length).toBe(2);
  expect((await send()).status).toBe("queued");
});

test("a carrier's refusals and receipts come out with Twilio's codes", async () => {
  const cases = [
    ["+12025559902", "undelivered", 30003],
    ["+12025559903", "undelivered", 30007],
    ["+12025559904", "failed", 30005],
  ] as const;
  for (const [to, status, errorCode] of cases) {
    const message = await client.messages.create({ to, from: "55501", body: "Hello" });
    await expect
      .poll(() => client.messages(message.sid).fetch())
      .toMatchObject({ status, errorCode });
  }
});

test("the SDK lists messages page by page, without a gap or a repeat", async () => {
  for (let index = 0; index < 5; index += 1) {
    await client.messages.create({ to: "+12025550127", from: "55501", body: `${index}` });
  }
  const listed = await client.messages.list({ to: "+12025550127", pageSize: 2 });
  expect(listed.map(({ body }) => body)).toEqual(["4", "3", "2", "1", "0"]);
});

test("the network's three numbers are there from the first start", async () => {
  const numbers = await client.incomingPhoneNumbers.list();
  const codes = await client.api.v2010.accounts(app.firstAccount.sid).shortCodes.list();
  expect(numbers.map(({ phoneNumber }) => phoneNumber).toSorted()).toEqual([
    longCode,
    "+18335550100",
  ]);
  expect(codes.map(({ shortCode }) => shortCode)).toEqual(["55501"]);
});
