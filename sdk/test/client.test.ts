import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { createLongwaveClient, type LongwaveConnection } from "../src/client.ts";
import { startRecordingServer } from "./recording-server.ts";

const accountSid = `AC${"1".repeat(32)}`;
const messageSid = `SM${"2".repeat(32)}`;
const credentials = { accountSid, authToken: "secret" };

const server = await startRecordingServer(({ method, path }) => {
  if (path.endsWith("/Messages.json") && method === "POST") {
    return { status: 201, json: { sid: messageSid, status: "queued" } };
  }
  if (path.includes("/Messages.json")) return messagesPage(path);
  if (path.includes("/v1/Services")) return servicesPage(path);
  return { status: 404, json: { code: 20404, message: "Not found.", status: 404 } };
});
afterAll(() => server.close());
beforeEach(() => {
  server.requests.length = 0;
});

function messagesPage(path: string) {
  const isSecond = path.includes("Page=1");
  const list = `/2010-04-01/Accounts/${accountSid}/Messages.json`;
  return {
    json: {
      messages: [{ sid: isSecond ? "second" : "first" }],
      next_page_uri: isSecond ? null : `${list}?PageSize=1&Page=1&PageToken=x`,
    },
  };
}

function servicesPage(path: string) {
  const isSecond = path.includes("Page=1");
  const next = `${server.url}/v1/Services?PageSize=1&Page=1&PageToken=x`;
  return {
    json: {
      services: [{ sid: isSecond ? "second" : "first" }],
      meta: { key: "services", next_page_url: isSecond ? null : next },
    },
  };
}

function client(options: Partial<LongwaveConnection> = {}) {
  return createLongwaveClient({ baseUrl: server.url, ...credentials, ...options });
}

test("a message goes to Longwave in Twilio's form, with the account's credentials", async () => {
  const message = await client().messages.create({
    from: "+15005550006",
    to: "+12025550123",
    body: "Hello",
  });
  expect(message.sid).toBe(messageSid);
  expect(server.requests[0]).toMatchObject({
    method: "POST",
    path: `/2010-04-01/Accounts/${accountSid}/Messages.json`,
    body: "To=%2B12025550123&From=%2B15005550006&Body=Hello",
    headers: {
      "x-twilio-host": "api.twilio.com",
      authorization: `Basic ${Buffer.from(`${accountSid}:secret`).toString("base64")}`,
    },
  });
});

test("an API key signs in for the account", async () => {
  const apiKeySid = `SK${"3".repeat(32)}`;
  await client({ apiKeySid }).messages.create({ from: "x", to: "y", body: "z" });
  expect(server.requests[0]?.path).toContain(accountSid);
  const expected = `Basic ${Buffer.from(`${apiKeySid}:secret`).toString("base64")}`;
  expect(server.requests[0]?.headers.authorization).toBe(expected);
});

test("a client for urgent texts says so in a header, which the SDK's parameters cannot", async () => {
  await client({ priority: 0 }).messages.create({ from: "x", to: "y", body: "z" });
  expect(server.requests[0]?.headers["x-longwave-priority"]).toBe("0");
});

test("a base URL with a path keeps it", async () => {
  const { messages } = client({ baseUrl: `${server.url}/sms/` });
  await messages.create({ from: "x", to: "y", body: "z" });
  expect(server.requests[0]?.path).toBe(`/sms/2010-04-01/Accounts/${accountSid}/Messages.json`);
});

test("relative page links lead on", async () => {
  const messages = await client().messages.list({ pageSize: 1 });
  expect(messages.map(({ sid }) => sid)).toEqual(["first", "second"]);
});

test("absolute page links lead on, and every product says which it is", async () => {
  const services = await client().messaging.v1.services.list({ pageSize: 1 });
  expect(services.map(({ sid }) => sid)).toEqual(["first", "second"]);
  expect(server.requests[0]?.headers["x-twilio-host"]).toBe("messaging.twilio.com");
});

test("a region in the environment changes nothing but the host that is told", async () => {
  vi.stubEnv("TWILIO_REGION", "ie1");
  vi.stubEnv("TWILIO_EDGE", "dublin");
  await client().messages.create({ from: "x", to: "y", body: "z" });
  vi.unstubAllEnvs();
  expect(server.requests[0]?.headers["x-twilio-host"]).toBe("api.dublin.ie1.twilio.com");
});

test("an error is the SDK's own", async () => {
  const failure = await client()
    .messages(messageSid)
    .fetch()
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ status: 404, code: 20404 });
});
