import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { readContract } from "../compat/contract.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

let started: StartedApp;
const contract = readContract("pricing_v1");

beforeAll(async () => {
  started = await startTestApp();
  const line = { connector: "simulator", country: "US" };
  const prices = [
    { ...line, price: "0.0079" },
    { ...line, carrier: "AT&T", price: "0.0109" },
    { ...line, carrier: "AT&T", price: "0.5", valid_from: "2999-01-01T00:00:00Z" },
  ];
  await started.call("/longwave/v1/Prices", {
    ...{ method: "POST", body: JSON.stringify({ prices }) },
    headers: { "content-type": "application/json" },
  });
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

test("Twilio's pricing tells what the account's senders pay now, by carrier", async () => {
  const { sid, token } = started.app.firstAccount;
  const { pricing } = createLongwaveClient({
    ...{ baseUrl: started.app.url, accountSid: sid, authToken: token },
  });
  const listed = await pricing.v1.messaging.countries.list();
  expect(listed).toMatchObject([{ country: "United States", isoCountry: "US" }]);
  const usa = await pricing.v1.messaging.countries("US").fetch();
  expect(usa.priceUnit).toBe("USD");
  const local = { number_type: "local", base_price: "0.007900", current_price: "0.007900" };
  expect(usa.outboundSmsPrices).toMatchObject([
    { carrier: "", mcc: "", mnc: "", prices: expect.arrayContaining([local]) },
    {
      carrier: "AT&T",
      prices: expect.arrayContaining([expect.objectContaining({ base_price: "0.010900" })]),
    },
  ]);
  const none = await pricing.v1.messaging.countries("GB").fetch();
  expect(none.outboundSmsPrices).toEqual([]);
});

test.runIf(contract !== undefined)("a country is written as in Twilio's own example", async () => {
  const { json } = await started.call("/v1/Messaging/Countries/US");
  const path = "/v1/Messaging/Countries/{IsoCountry}";
  const [example] = contract?.examples({ method: "get", path, status: 200 }) ?? [];
  const keysOf = (value: object) => Object.keys(value).sort();
  expect(keysOf(json)).toEqual(keysOf(example as object));
  const [theirs] = (example as typeof json).outbound_sms_prices;
  expect(keysOf(json.outbound_sms_prices[0])).toEqual(keysOf(theirs));
  expect(keysOf(json.outbound_sms_prices[0].prices[0])).toEqual(keysOf(theirs.prices[0]));
});
