import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

let started: StartedApp;
let receiver: Server;
const forms: Record<string, string>[] = [];
const longCode = "+15005550100";
const phone = "+12025550151";

beforeAll(async () => {
  started = await startTestApp();
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      forms.push(Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())));
      response.writeHead(200, { "content-type": "text/xml" });
      response.end("<Response><Message>Yes</Message></Response>");
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
});
afterAll(async () => {
  await started.close();
  receiver.close();
});

const replay = (sid: unknown, as?: { sid: string; token: string }) =>
  started.call(`/longwave/v1/Messages/${sid}/Replay`, { method: "POST", as });
const shown = () => started.app.simulator?.shown(phone).map(({ body }) => body);

/** Texts the number and gives the sid that its webhook was told. */
async function receive(body: string): Promise<string> {
  const count = forms.length;
  started.app.simulator?.inject({ from: phone, to: longCode, body });
  await expect.poll(() => forms.length).toBe(count + 1);
  return forms.at(-1)?.MessageSid ?? "";
}

test("the webhook of a received text is called again without running its TwiML", async () => {
  const { json } = await started.call(`${started.home}/IncomingPhoneNumbers.json`);
  const number = json.incoming_phone_numbers.find(
    (one: { phone_number: string }) => one.phone_number === longCode,
  );
  const { port } = receiver.address() as AddressInfo;
  const SmsUrl = `http://127.0.0.1:${port}/`;
  await started.call(`${started.home}/IncomingPhoneNumbers/${number.sid}.json`, {
    form: { SmsUrl },
  });
  const sid = await receive("Is it open?");
  await expect.poll(shown).toEqual(["Yes"]);
  expect((await replay(sid)).status).toBe(204);
  await expect.poll(() => forms.length).toBe(2);
  expect(forms[1]).toEqual(forms[0]);
  await expect.poll(() => started.database.sql`select from retries`).toHaveLength(0);
  const replies = await started.database.sql`select from messages where recipient = ${phone}`;
  expect(replies).toHaveLength(1);
});

test("a replayed STOP still says that it is one", async () => {
  const sid = await receive("STOP");
  const count = forms.length;
  await replay(sid);
  await expect.poll(() => forms.length).toBe(count + 1);
  expect(forms.at(-1)).toMatchObject({ MessageSid: sid, OptOutType: "STOP" });
});

test("a text that was sent has no webhook, and another account's is not found", async () => {
  const form = { To: "+12025550152", From: longCode, Body: "Hello" };
  const sent = await started.call(`${started.home}/Messages.json`, { form });
  expect(await replay(sent.json.sid)).toMatchObject({ status: 400, json: { code: 20001 } });
  const sid = forms[0]?.MessageSid;
  const other = await started.call("/2010-04-01/Accounts.json", { form: { FriendlyName: "B" } });
  const as = { sid: other.json.sid, token: other.json.auth_token };
  expect(await replay(sid, as)).toMatchObject({ status: 404, json: { code: 20404 } });
});
