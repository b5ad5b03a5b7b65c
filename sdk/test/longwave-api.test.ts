import { afterAll, beforeEach, expect, test } from "vitest";
import { createLongwaveApi, LongwaveError } from "../src/longwave-api.ts";
import { type Answer, type RecordedRequest, startRecordingServer } from "./recording-server.ts";

let answer: (request: RecordedRequest) => Answer = () => ({});
const server = await startRecordingServer((request) => answer(request));
afterAll(() => server.close());
beforeEach(() => {
  server.requests.length = 0;
});
const api = createLongwaveApi({
  baseUrl: `${server.url}/`,
  accountSid: `AC${"1".repeat(32)}`,
  authToken: "secret",
});

test("bulk gives a result for each message", async () => {
  const results = [
    { index: 0, sid: `SM${"2".repeat(32)}`, status: "queued" },
    { index: 1, code: 21610, message: "The recipient opted out." },
  ];
  answer = () => ({ json: { messages: results } });
  const messages = [
    { To: "+12025550123", From: "+15005550006", Body: "one" },
    { To: "+12025550124", From: "+15005550006", Body: "two", Priority: 0 },
  ] as const;
  expect(await api.messages.createBulk(messages)).toEqual(results);
  expect(JSON.parse(server.requests[0]?.body ?? "")).toEqual({ messages });
});

test("a list walks through its pages", async () => {
  answer = ({ path }) => {
    const isSecond = path.includes("PageToken=next");
    const optOut = { pool: "+15005550006", recipient: isSecond ? "+2" : "+1" };
    return { json: { opt_outs: [optOut], meta: { next_token: isSecond ? null : "next" } } };
  };
  const recipients: string[] = [];
  for await (const { recipient } of api.optOuts.list({ pool: "+15005550006" })) {
    recipients.push(recipient);
  }
  expect(recipients).toEqual(["+1", "+2"]);
  expect(server.requests[0]?.path).toBe("/longwave/v1/OptOuts?Pool=%2B15005550006&PageSize=500");
});

test("an export is CSV", async () => {
  answer = () => ({ csv: "pool,recipient\r\n" });
  expect(await api.optOuts.exportCsv()).toBe("pool,recipient\r\n");
});

test("an import sends CSV", async () => {
  answer = () => ({ json: { added: 1 } });
  await api.optOuts.importCsv("recipient\r\n+12025550123\r\n", { pool: "+15005550006" });
  expect(server.requests[0]).toMatchObject({
    path: "/longwave/v1/OptOuts/Import?Pool=%2B15005550006",
    body: "recipient\r\n+12025550123\r\n",
    headers: { "content-type": "text/csv" },
  });
});

test("a removal ends in nothing", async () => {
  answer = () => ({ status: 204 });
  await api.optOuts.remove({ pool: "+15005550006", recipient: "+12025550123" });
  expect(server.requests[0]).toMatchObject({
    method: "DELETE",
    path: "/longwave/v1/OptOuts/%2B15005550006/%2B12025550123",
  });
});

test.each([
  [{ status: 403, json: { code: 20003, message: "Only the operator may." } }, 20003],
  [{ status: 502, csv: "<html>" }, undefined],
])("a refusal is an error with status and code", async (refusal, code) => {
  answer = () => refusal;
  const failure = await api.connectors.list().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(LongwaveError);
  expect(failure).toMatchObject({ status: refusal.status, code });
});
