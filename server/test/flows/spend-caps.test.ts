import type { Twilio } from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { OperatorAlert } from "../../src/lib/errors.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const from = "55501";
const to = "+12025550123";
let started: StartedApp;
let client: Twilio;

beforeAll(async () => {
  started = await startTestApp();
  const { sid, token } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid: sid, authToken: token });
  await post("/Prices", { prices: [{ connector: "simulator", country: "US", price: "0.01" }] });
});
afterAll(async () => {
  await started?.close();
});

const post = async (path: string, json: unknown) => {
  const told = await started.call(`/longwave/v1${path}`, {
    ...{ method: "POST", body: JSON.stringify(json) },
    headers: { "content-type": "application/json" },
  });
  return told.json;
};
const send = () => client.messages.create({ to, from, body: "Hello" });
const codeOf = async ({ sid }: { sid: string }) => {
  const { status, errorCode } = await client.messages(sid).fetch();
  return errorCode ?? (status === "delivered" ? "delivered" : "open");
};

test("what a cap pays for leaves, the rest of the queue fails, and the next text is refused", async () => {
  await post("/SpendCaps", { country: "US", daily: "0.05" });
  const messages = Array.from({ length: 12 }, () => ({ To: to, From: from, Body: "Hello" }));
  const { messages: made } = await post("/Messages/Bulk", { messages });
  const sent = made.filter(({ sid }: { sid?: string }) => sid !== undefined);
  const codes = () => Promise.all(sent.map(codeOf));
  await expect.poll(codes).not.toContain("open");
  expect((await codes()).filter((code) => code === "delivered")).toHaveLength(5);
  expect((await codes()).filter((code) => code === 63038)).toHaveLength(sent.length - 5);
  await expect(send()).rejects.toMatchObject({ status: 400, code: 63038 });
  const alerts = started.bugs.filter((bug) => bug instanceof OperatorAlert);
  expect(alerts.map(String).join()).toMatch(
    /has reached its spend cap of today, 0.050000 USD for US/,
  );
  expect(started.bugs).toHaveLength(alerts.length);
});

test("a raised cap lets texts leave again, and tells what is taken", async () => {
  const { spend_caps: caps } = await post("/SpendCaps", { country: "US", daily: "1" });
  expect(caps).toEqual([{ country: "US", daily: "1.000000", over: "refuse", taken: "0.050000" }]);
  const text = await send();
  await expect.poll(() => codeOf(text)).toBe("delivered");
});

test("a cap that defers lets texts wait for the next day, if they are valid so long", async () => {
  await post("/SpendCaps", { country: "US", daily: "0.01", over: "defer" });
  const text = await send();
  const told = () => started.call(`/longwave/v1/Messages/${text.sid}/Timeline`);
  const now = new Date();
  const hoursLeft = 24 - now.getUTCHours() - now.getUTCMinutes() / 60;
  if (hoursLeft < 10) {
    await expect.poll(async () => (await told()).text).toMatch(/spend cap/);
    expect(await codeOf(text)).toBe("open");
  } else {
    await expect.poll(() => codeOf(text)).toBe(63038);
  }
});

test("a cap is its account's own, and is lifted", async () => {
  const { json: made } = await started.call("/2010-04-01/Accounts.json", {
    form: { FriendlyName: "Other" },
  });
  const as = { sid: made.sid, token: made.auth_token };
  const theirs = await started.call("/longwave/v1/SpendCaps", { as });
  expect(theirs.json).toEqual({ spend_caps: [] });
  const path = "/longwave/v1/SpendCaps/US";
  expect((await started.call(path, { method: "DELETE", as })).status).toBe(404);
  expect((await started.call(path, { method: "DELETE" })).status).toBe(204);
  const text = await send();
  await expect.poll(() => codeOf(text)).toBe("delivered");
});
