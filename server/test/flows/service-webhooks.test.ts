import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const number = "+15005550100";
let started: StartedApp;
let client: twilio.Twilio;
let receiver: Server;
let origin: string;
let serviceSid: string;
const calls: { path: string; method: string; form: Record<string, string> }[] = [];

/** `/broken` fails, every other path answers its own name. */
beforeAll(async () => {
  started = await startTestApp();
  const { sid: accountSid, token: authToken } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid, authToken });
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://receiver");
      const posted = new URLSearchParams(Buffer.concat(chunks).toString());
      const form = Object.fromEntries([...searchParams, ...posted]);
      calls.push({ path: pathname, method: request.method ?? "", form });
      response.writeHead(pathname === "/broken" ? 500 : 200, { "content-type": "text/plain" });
      response.end(pathname);
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const service = await client.messaging.v1.services.create({
    ...{ friendlyName: "Webhooks", inboundRequestUrl: `${origin}/broken` },
    ...{ fallbackUrl: `${origin}/fallback`, fallbackMethod: "GET" },
  });
  serviceSid = service.sid;
  const [held] = await client.incomingPhoneNumbers.list({ phoneNumber: number });
  const sid = held?.sid ?? "";
  await client.incomingPhoneNumbers(sid).update({ smsUrl: `${origin}/number` });
  await client.messaging.v1.services(serviceSid).phoneNumbers.create({ phoneNumberSid: sid });
});
afterAll(async () => {
  await started?.close();
  receiver?.close();
  expect(started.bugs).toEqual([]);
});

const text = (from: string) =>
  started.app.simulator?.inject({ from, to: number, body: "Are you there" });
const answersTo = async (to: string) =>
  (await client.messages.list({ to })).map(({ body }) => body);
const callsOf = (from: string) => calls.filter(({ form }) => form.From === from);

test("a service's fallback URL answers in the place of its webhook, and learns why", async () => {
  const phone = "+12025550141";
  text(phone);
  await expect.poll(() => answersTo(phone)).toEqual(["/fallback"]);
  const heard = callsOf(phone);
  expect(new Set(heard.map(({ path }) => path))).toEqual(new Set(["/broken", "/fallback"]));
  expect(heard.at(-1)).toMatchObject({
    ...{ path: "/fallback", method: "GET" },
    form: { ErrorUrl: `${origin}/broken`, ErrorCode: "11217", MessagingServiceSid: serviceSid },
  });
});

test("UseInboundWebhookOnNumber calls the number's webhook instead, and back", async () => {
  const service = client.messaging.v1.services(serviceSid);
  await service.update({ useInboundWebhookOnNumber: true });
  text("+12025550142");
  await expect.poll(() => answersTo("+12025550142")).toEqual(["/number"]);
  expect(callsOf("+12025550142")).toMatchObject([
    { path: "/number", method: "POST", form: { MessagingServiceSid: serviceSid } },
  ]);
  await service.update({
    useInboundWebhookOnNumber: false,
    inboundRequestUrl: `${origin}/service`,
  });
  text("+12025550143");
  await expect.poll(() => answersTo("+12025550143")).toEqual(["/service"]);
  expect(callsOf("+12025550143").map(({ path }) => path)).toEqual(["/service"]);
});
