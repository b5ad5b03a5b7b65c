import type twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const number = "+15005550100";
let started: StartedApp;
let client: twilio.Twilio;

beforeAll(async () => {
  started = await startTestApp();
  const { sid: accountSid, token: authToken } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid, authToken });
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

/** As when the process died when the messages were stored and the answer was not. */
const forgetAnswer = (key: string) => started.database.sql`
  update idempotency_keys
  set response_status = null, response_body = null, taken_at = '-infinity'
  where key = ${key}
`;

async function joinOfNumber() {
  const { sid } = await client.messaging.v1.services.create({ friendlyName: "Pool" });
  const [held] = await client.incomingPhoneNumbers.list({ phoneNumber: number });
  const service = client.messaging.v1.services(sid);
  await service.phoneNumbers.create({ phoneNumberSid: held?.sid ?? "" });
  return service;
}

const storedTo = async (recipient: string) =>
  (await started.database.sql`select from messages where recipient like ${`${recipient}%`}`).count;

test("a text is stored once when its number joins a service before the request is ended", async () => {
  const post = () =>
    started.call(`${started.home}/Messages.json`, {
      form: { From: number, To: "+12025550151", Body: "Once" },
      headers: { "idempotency-key": "joins" },
    });
  const first = await post();
  await forgetAnswer("joins");
  const service = await joinOfNumber();
  const again = await post();
  expect(again).toMatchObject({ status: 201, json: { sid: first.json.sid } });
  expect(await storedTo("+12025550151")).toBe(1);
  await service.remove();
});

test("of a bulk whose number leaves its service each text is stored once, and what was not is stored", async () => {
  const service = await joinOfNumber();
  const messages = Array.from({ length: 300 }, (_, index) => ({
    ...{ From: number, To: `+1202556${1000 + index}`, Body: "Once" },
  }));
  const post = () =>
    started.call("/longwave/v1/Messages/Bulk", {
      body: JSON.stringify({ messages }),
      headers: { "content-type": "application/json", "idempotency-key": "leaves" },
    });
  const sidsOf = ({ json }: Awaited<ReturnType<typeof post>>) =>
    json.messages.map(({ sid }: { sid: string }) => sid);
  const first = await post();
  await forgetAnswer("leaves");
  const removed = client.messages(sidsOf(first)[0]);
  await expect.poll(async () => (await removed.fetch()).status).toBe("delivered");
  await removed.remove();
  await service.remove();
  const again = await post();
  expect(again.json).toMatchObject({ accepted: 300, refused: 0 });
  expect(sidsOf(again).slice(1)).toEqual(sidsOf(first).slice(1));
  expect(await storedTo("+1202556")).toBe(300);
});
