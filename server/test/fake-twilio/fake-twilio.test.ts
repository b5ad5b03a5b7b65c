import twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { readContract } from "../compat/contract.ts";
import { type FakeTwilio, startFakeTwilio } from "./fake-twilio.ts";
import { listenForWebhooks } from "./webhook-listener.ts";

const number = "+12025550101";
const phone = "+14155552671";
let fake: FakeTwilio;
let hooks: Awaited<ReturnType<typeof listenForWebhooks>>;

beforeAll(async () => {
  hooks = await listenForWebhooks();
  fake = await startFakeTwilio({
    numbers: [
      { phone_number: number, sms_url: `${hooks.url}/inbound` },
      { phone_number: "+12025550102" },
    ],
    services: [{ friendly_name: "Marketing", senders: [number, "ACME"] }],
    messages: [
      { from: phone, to: "+12025550102", body: "STOP", direction: "inbound", status: "received" },
    ],
  });
});
afterAll(async () => {
  await fake.close();
  await hooks.close();
});

const connect = () =>
  createLongwaveClient({
    baseUrl: fake.url,
    accountSid: fake.accountSid,
    authToken: fake.authToken,
  });

test("the SDK reads numbers, services with their pools, and messages page by page", async () => {
  const client = connect();
  const numbers = await client.incomingPhoneNumbers.list({ pageSize: 1 });
  expect(numbers.map((one) => one.phoneNumber)).toEqual([number, "+12025550102"]);
  const [service] = await client.messaging.v1.services.list();
  const pool = client.messaging.v1.services(service?.sid ?? "");
  expect((await pool.phoneNumbers.list()).map((one) => one.phoneNumber)).toEqual([number]);
  expect((await pool.alphaSenders.list()).map((one) => one.alphaSender)).toEqual(["ACME"]);
  expect(await client.messages.list({ to: "+12025550102" })).toMatchObject([{ body: "STOP" }]);
  await expect(
    createLongwaveClient({
      baseUrl: fake.url,
      accountSid: fake.accountSid,
      authToken: "wrong",
    }).messages.list(),
  ).rejects.toHaveProperty("code", 20003);
});

test("a text is told of by signed webhooks until its end, and STOP is refused with 21610", async () => {
  const client = connect();
  const sent = {
    from: number,
    to: phone,
    body: "Hello",
    statusCallback: `${hooks.url}/status#rc=5`,
  };
  const made = await client.messages.create(sent);
  expect(made.status).toBe("queued");
  for (const status of ["sent", "delivered"]) {
    const { path, form, signature } = await hooks.next();
    expect(form).toMatchObject({ MessageSid: made.sid, MessageStatus: status });
    const isSigned = twilio.validateRequest(fake.authToken, signature, hooks.url + path, form);
    expect([path, isSigned]).toEqual(["/status", true]);
  }
  expect(await client.messages(made.sid).fetch()).toMatchObject({
    status: "delivered",
    priceUnit: "USD",
  });
  expect(await fake.receive(phone, "+12025550102", "Stop")).toBe(0);
  const again = client.messages.create({ from: "+12025550102", to: phone, body: "Hello" });
  await expect(again).rejects.toHaveProperty("code", 21610);
});

test.skipIf(readContract() === undefined)(
  "its answers have every property of Twilio's published contract and no other (the contract is at hand)",
  async () => {
    const contract = readContract();
    const home = "/2010-04-01/Accounts/{AccountSid}";
    const paths = ["/Messages.json", "/IncomingPhoneNumbers.json", "/SMS/ShortCodes.json"];
    for (const path of ["/2010-04-01/Accounts.json", ...paths.map((one) => home + one)]) {
      const answer = await fetch(fake.url + path.replace("{AccountSid}", fake.accountSid), {
        headers: { authorization: `Basic ${btoa(`${fake.accountSid}:${fake.authToken}`)}` },
      });
      const operation = { method: "get", path, status: 200 } as const;
      expect([path, contract?.faults(operation, await answer.json())]).toEqual([path, []]);
    }
  },
);
