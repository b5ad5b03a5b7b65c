import type twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

let started: StartedApp;
let client: twilio.Twilio;

beforeAll(async () => {
  started = await startTestApp();
  const { sid, token } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid: sid, authToken: token });
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const setPrices = (prices: readonly object[]) =>
  started.call("/longwave/v1/Prices", {
    ...{ method: "POST", body: JSON.stringify({ prices }) },
    headers: { "content-type": "application/json" },
  });
const send = (body: string, to = "+12025550123") =>
  client.messages.create({ to, from: "+15005550100", body });
const priceOf = async (of: { sid: string }) => (await client.messages(of.sid).fetch()).price;

test("a text costs what the list of its connector says, for each segment", async () => {
  await setPrices([{ connector: "simulator", country: "US", price: "0.0079" }]);
  const short = await send("Hello");
  const long = await send("x".repeat(161));
  await expect.poll(() => priceOf(short)).toBe("-0.00790");
  await expect.poll(() => priceOf(long)).toBe("-0.01580");
  expect((await client.messages(long.sid).fetch()).priceUnit).toBe("USD");
});

test("a text to a phone of a known network costs what the list says for that carrier", async () => {
  await setPrices([
    { connector: "simulator", country: "US", carrier: "310260", price: "0.0100" },
    { connector: "simulator", country: "US", carrier: "AT&T", price: "0.0200" },
    { connector: "simulator", country: "US", carrier: "Verizon", price: "0.0300" },
  ]);
  await started.call("/longwave/v1/NumberRanges/Import", {
    body: "prefix,network,name\n+14155551,310260,T-Mobile\n+14155552,310410,AT&T\n",
    headers: { "content-type": "text/csv" },
  });
  const byCode = await send("Hello", "+14155551001");
  const byName = await send("Hello", "+14155552001");
  const unknown = await send("Hello", "+14155553001");
  await expect.poll(() => priceOf(byCode)).toBe("-0.01000");
  await expect.poll(() => priceOf(byName)).toBe("-0.02000");
  await expect.poll(() => priceOf(unknown)).toBe("-0.03000");
});
