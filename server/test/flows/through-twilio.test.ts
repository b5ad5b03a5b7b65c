import { afterAll, beforeAll, expect, test } from "vitest";
import { basic, type StartedApp, startTestApp } from "../compat/started-app.ts";
import { type FakeTwilio, startFakeTwilio } from "../fake-twilio/fake-twilio.ts";
import { listenForWebhooks } from "../fake-twilio/webhook-listener.ts";

const number = "+12025550101";
const phone = "+14155552671";
let fake: FakeTwilio;
let started: StartedApp;
let hooks: Awaited<ReturnType<typeof listenForWebhooks>>;

beforeAll(async () => {
  hooks = await listenForWebhooks();
  fake = await startFakeTwilio({ numbers: [{ phone_number: number }] });
  started = await startTestApp();
  const { accountSid, authToken, url: baseUrl } = fake;
  const settings = { accountSid, authToken, baseUrl, senderLimits: { "long_code.US": 50 } };
  await post("/longwave/v1/Connectors", { name: "twilio", kind: "twilio", settings });
  await post("/longwave/v1/Inventory", {
    numbers: [
      {
        ...{ number, kind: "long_code", country: "US", connector: "twilio" },
        segments_per_second: 50,
      },
    ],
  });
  const numbers = `${started.home}/IncomingPhoneNumbers.json`;
  const form = { PhoneNumber: number, SmsUrl: `${hooks.url}/inbound` };
  expect((await started.call(numbers, { form })).status).toBe(201);
  fake.world.numbers[0] = {
    ...fake.world.numbers[0],
    sms_url: `${started.app.url}/connectors/twilio/inbound`,
  };
});
afterAll(async () => {
  await started.close();
  await fake.close();
  await hooks.close();
  expect(started.bugs).toEqual([]);
});

async function post(path: string, json: object) {
  const headers = { "content-type": "application/json" };
  const told = await started.call(path, { body: JSON.stringify(json), headers });
  expect([path, told.status, told.json?.message]).toEqual([path, expect.any(Number), undefined]);
  return told.json;
}

async function send(Body: string, To = phone) {
  const form = { To, From: number, Body, StatusCallback: `${hooks.url}/status` };
  return await started.call(`${started.home}/Messages.json`, { form });
}

const fetchMessage = async (sid: string) =>
  (await started.call(`${started.home}/Messages/${sid}.json`)).json;

async function statusesUntil(last: string): Promise<string[]> {
  const statuses: string[] = [];
  while (statuses.at(-1) !== last) statuses.push((await hooks.next()).form.MessageStatus ?? "");
  return statuses;
}

test("a text goes out through Twilio, its end and its price come back", async () => {
  const { json } = await send("Hello");
  const statuses = await statusesUntil("delivered");
  expect(statuses).toContain("sent");
  expect(fake.world.messages).toMatchObject([{ from: number, to: phone, body: "Hello" }]);
  await expect.poll(async () => (await fetchMessage(json.sid)).price).toBe("-0.00790");
  const usage = `${started.home}/Usage/Records/Today.json?Category=sms-outbound`;
  await expect
    .poll(async () => (await started.call(usage)).json.usage_records)
    .toMatchObject([{ count: "1", price: "0.007900" }]);
});

test("a long text goes out whole and counts with all of its segments", async () => {
  const body = "A long text. ".repeat(30).trim();
  const before = fake.world.messages.length;
  const { json } = await send(body);
  expect(json.num_segments).toBe("3");
  await statusesUntil("delivered");
  expect(fake.world.messages.length).toBe(before + 1);
  expect(fake.world.messages[0]).toMatchObject({ body });
});

test("what Twilio refuses fails with Twilio's code", async () => {
  fake.behave = () => ({ kind: "refuse", status: 400, code: 21614 });
  const { json } = await send("Hello", "+14155552672");
  await statusesUntil("failed");
  expect(await fetchMessage(json.sid)).toMatchObject({ status: "failed", error_code: 21614 });
  fake.behave = () => undefined;
});

test("a text whose end is a failure at Twilio is undelivered with Twilio's code", async () => {
  fake.behave = () => ({ kind: "take", ends: "undelivered", errorCode: 30005 });
  const { json } = await send("Hello", "+14155552673");
  await statusesUntil("undelivered");
  expect(await fetchMessage(json.sid)).toMatchObject({ status: "undelivered", error_code: 30005 });
  fake.behave = () => undefined;
});

test("a phone's text comes in from Twilio once, however often Twilio brings it", async () => {
  expect(await fake.receive(phone, number, "Is it open?")).toBe(204);
  const { path, form } = await hooks.next();
  expect(path).toBe("/inbound");
  expect(form).toMatchObject({ From: phone, To: number, Body: "Is it open?" });
  expect(await fake.repeat()).toBe(204);
  expect(await fake.receive(phone, number, "Is it open?")).toBe(204);
  await hooks.next();
  const { json } = await started.call(
    `${started.home}/Messages.json?To=${encodeURIComponent(number)}`,
  );
  expect(json.messages).toHaveLength(2);
});

const picture = "https://shop.example/a.png";
const film = "https://shop.example/b";

test("media go out through Twilio by their addresses, are listed, told apart and forgotten", async () => {
  const form = { To: phone, From: number, MediaUrl: [picture, film] };
  const { json, status } = await started.call(`${started.home}/Messages.json`, { form });
  expect([status, json.num_media, json.num_segments, json.body]).toEqual([201, "2", "1", ""]);
  await expect.poll(() => fake.posts.at(-1)?.form.MediaUrl).toBe(`${picture} ${film}`);
  await expect.poll(async () => (await fetchMessage(json.sid)).status).toBe("delivered");

  const list = `${started.home}/Messages/${json.sid}/Media`;
  const { json: first } = await started.call(`${list}.json?PageSize=1`);
  const { json: second } = await started.call(first.next_page_uri);
  const both = [...first.media_list, ...second.media_list];
  expect(both.map((one) => one.content_type)).toEqual(["image/png", "application/octet-stream"]);
  expect(second.next_page_uri).toBeNull();
  const [one, two] = both;
  expect((await started.call(one.uri)).json).toEqual(one);
  const { url } = started.app;
  const authorization = basic(started.app.firstAccount);
  const sentOn = await fetch(url + one.uri.replace(".json", ""), {
    ...{ redirect: "manual", headers: { authorization } },
  });
  expect([sentOn.status, sentOn.headers.get("location")]).toEqual([307, picture]);

  const other = await started.call("/2010-04-01/Accounts.json", { form: { FriendlyName: "B" } });
  const as = { sid: other.json.sid, token: other.json.auth_token };
  const foreign = one.uri.replace(started.app.firstAccount.sid, as.sid);
  expect((await started.call(foreign, { as })).json.code).toBe(20404);
  expect((await started.call(one.uri, { as })).status).not.toBe(200);

  expect((await started.call(one.uri, { method: "DELETE" })).status).toBe(204);
  expect((await started.call(one.uri)).json.code).toBe(20404);
  expect((await started.call(`${list}.json`)).json.media_list).toEqual([two]);
  expect((await fetchMessage(json.sid)).num_media).toBe("1");
  await started.call(`${started.home}/Messages/${json.sid}.json`, { form: { Body: "" } });
  expect((await started.call(`${list}.json`)).json.media_list).toEqual([]);
});

test("a phone's media come in from Twilio and are passed on with their kinds", async () => {
  const media = [
    { url: "https://api.twilio.com/Media/ME1", contentType: "image/jpeg" },
    { url: "https://api.twilio.com/Media/ME2", contentType: "video/mp4" },
  ];
  expect(await fake.receive(phone, number, "", media)).toBe(204);
  const inbound = async () => {
    for (;;) {
      const { path, form } = await hooks.next();
      if (path === "/inbound") return form;
    }
  };
  const form = await inbound();
  expect(form).toMatchObject({
    ...{ NumMedia: "2", MediaUrl0: media[0]?.url, MediaContentType0: "image/jpeg" },
    ...{ MediaUrl1: media[1]?.url, MediaContentType1: "video/mp4", Body: "" },
  });
  const path = `${started.home}/Messages/${form.MessageSid}/Media.json`;
  const { json } = await started.call(path);
  expect(json.media_list).toMatchObject([
    { content_type: "image/jpeg", parent_sid: form.MessageSid },
    { content_type: "video/mp4" },
  ]);
});

const [own, near, far] = ["+447400123456", "+447900123456", "+447400123457"] as const;

test("of a service's senders one that carries media is chosen for media", async () => {
  const settings = { host: "127.0.0.1", port: 9, systemId: "nobody", password: "secret" };
  await post("/longwave/v1/Connectors", { name: "texts", kind: "smpp", settings });
  const held = { number: own, kind: "long_code", country: "GB", connector: "texts" };
  await post("/longwave/v1/Inventory", { numbers: [{ ...held, segments_per_second: 50 }] });
  const claim = { form: { PhoneNumber: own } };
  const numbers = `${started.home}/IncomingPhoneNumbers.json`;
  expect((await started.call(numbers, claim)).status).toBe(201);
  const service = await started.call("/v1/Services", { form: { FriendlyName: "Shop" } });
  const { sid } = service.json;
  for (const { sid: PhoneNumberSid } of (await started.call(numbers)).json.incoming_phone_numbers) {
    await started.call(`/v1/Services/${sid}/PhoneNumbers`, { form: { PhoneNumberSid } });
  }
  const form = { To: far, MessagingServiceSid: sid, MediaUrl: picture };
  const sent = (await started.call(`${started.home}/Messages.json`, { form })).json;
  await expect.poll(async () => (await fetchMessage(sent.sid)).from).toBe(number);
  await expect.poll(async () => (await fetchMessage(sent.sid)).status).toBe("delivered");
  expect((await started.call(`/v1/Services/${sid}`, { method: "DELETE" })).status).toBe(204);
});

test("media leave only by a route that carries media, and fail where there is none", async () => {
  const sendPicture = (To: string) =>
    started.call(`${started.home}/Messages.json`, {
      form: { To, From: own, Body: "Look", MediaUrl: picture },
    });
  expect((await sendPicture(near)).json.code).toBe(21621);

  await post("/longwave/v1/Routes", { name: "media", connector: "twilio", prefixes: ["+4479"] });
  let other: { num_media?: string; sid: string } = { sid: "" };
  const accepted = async () => {
    other = (await sendPicture(far)).json;
    return other.num_media;
  };
  // The route is known within a second.
  await expect.poll(accepted).toBe("1");
  await expect.poll(async () => (await fetchMessage(other.sid)).error_code).toBe(21621);
  const { text } = await started.call(`/longwave/v1/Messages/${other.sid}/Timeline`);
  expect(text).toContain("leaves only by a connector that carries media");
  fake.world.numbers.push({ ...fake.world.numbers[0], phone_number: own });
  const routed = (await sendPicture(near)).json;
  await expect.poll(async () => (await fetchMessage(routed.sid)).status).toBe("delivered");
});

test("an opt-out that only Twilio knows of becomes one here", async () => {
  const other = "+14155552674";
  fake.world.optOuts.add(`${number} ${other}`);
  const { json } = await send("Hello", other);
  await statusesUntil("failed");
  expect(await fetchMessage(json.sid)).toMatchObject({ error_code: 21610 });
  await expect.poll(async () => (await send("Again", other)).json.code).toBe(21610);
  const optOuts = await started.call("/longwave/v1/OptOuts");
  expect(JSON.stringify(optOuts.json)).toContain(other);
});

test("a STOP is recorded here and its reply is left to Twilio", async () => {
  const other = "+14155552675";
  const before = fake.posts.length;
  await fake.receive(other, number, "STOP");
  await hooks.next();
  expect((await send("Hello", other)).json.code).toBe(21610);
  expect(fake.posts).toHaveLength(before);
});

test("a call that Twilio did not sign is refused, and so is one for another connector", async () => {
  const form = { MessageSid: "SM1", MessageStatus: "delivered" };
  const unsigned = await started.call("/connectors/twilio/status", { form });
  expect(unsigned.status).toBe(403);
  expect((await started.call("/connectors/nobody/status", { form })).status).toBe(404);
  expect((await started.call("/connectors/simulator/status", { form })).status).toBe(404);
  expect((await started.call("/connectors/twilio/other", { form })).status).toBe(404);
  const large = { body: "x".repeat(100_000) };
  expect((await started.call("/connectors/twilio/status", large)).status).toBe(413);
});

test("credentials that Twilio refuses fail no text: it waits, and the connector says why", async () => {
  fake.world.accounts[0] = { ...fake.world.accounts[0], auth_token: "changed" };
  const { json } = await send("Hello", "+14155552676");
  await expect
    .poll(async () => (await started.call("/longwave/v1/Connectors")).json.connectors)
    .toContainEqual(
      expect.objectContaining({
        name: "twilio",
        state: expect.objectContaining({ phase: "reconnecting", cause: "HTTP 401 20003" }),
      }),
    );
  expect((await fetchMessage(json.sid)).status).not.toBe("failed");
  fake.world.accounts[0] = { ...fake.world.accounts[0], auth_token: fake.authToken };
  await statusesUntil("delivered");
});

test("what Twilio takes from a sender limits its lane, and the lane says who set it", async () => {
  const { accountSid, authToken, url: baseUrl } = fake;
  const settings = { accountSid, authToken, baseUrl, senderLimits: { "long_code.US": 2 } };
  await post("/longwave/v1/Connectors/twilio", { settings });
  const waiting = async () => {
    await send("Hello", "+14155552678");
    const { text } = await started.call("/longwave/v1/Lanes");
    return text;
  };
  await expect.poll(waiting, { interval: 50 }).toContain("the settings of connector twilio");
  await post("/longwave/v1/Connectors/twilio", {
    settings: { ...settings, senderLimits: { "long_code.US": 50 } },
  });
});

test("other settings are taken over for a connector that carries senders", async () => {
  const { accountSid, authToken, url: baseUrl } = fake;
  const wrong = await started.call("/longwave/v1/Connectors/twilio", {
    body: JSON.stringify({ settings: { accountSid } }),
    headers: { "content-type": "application/json" },
  });
  expect([wrong.status, wrong.json.code]).toEqual([400, 20001]);
  const settings = { accountSid, authToken, baseUrl, window: 7 };
  await post("/longwave/v1/Connectors/twilio", { settings });
  const windowOf = async () => {
    const { json } = await started.call("/longwave/v1/Connectors");
    return json.connectors.find(({ name }: { name: string }) => name === "twilio").state.window;
  };
  await expect.poll(windowOf).toBe(7);
  await send("Hello", "+14155552677");
  await statusesUntil("delivered");
});

test("the secrets of a connector are never told", async () => {
  const { text } = await started.call("/longwave/v1/Connectors");
  expect(text).toContain('"twilio"');
  expect(text).not.toContain(fake.authToken);
});
