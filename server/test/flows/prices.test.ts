import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

test("a text costs what the list of its connector says, for each segment", async () => {
  const { sid, token } = started.app.firstAccount;
  const client = createLongwaveClient({
    ...{ baseUrl: started.app.url, accountSid: sid, authToken: token },
  });
  const prices = [{ connector: "simulator", country: "US", price: "0.0079" }];
  await started.call("/longwave/v1/Prices", {
    ...{ method: "POST", body: JSON.stringify({ prices }) },
    headers: { "content-type": "application/json" },
  });
  const send = (body: string, to = "+12025550123") =>
    client.messages.create({ to, from: "+15005550100", body });
  const short = await send("Hello");
  const long = await send("x".repeat(161));
  const priceOf = async (of: { sid: string }) => (await client.messages(of.sid).fetch()).price;
  await expect.poll(() => priceOf(short)).toBe("-0.00790");
  await expect.poll(() => priceOf(long)).toBe("-0.01580");
  expect((await client.messages(long.sid).fetch()).priceUnit).toBe("USD");
});
