import type { Twilio } from "twilio";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { createAccount } from "../../src/accounts/create-account.ts";
import { type App, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { createSeal } from "../../src/lib/seal.ts";
import { importInventory } from "../../src/senders/store.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

const secretKey = "07".repeat(32);
const longCode = "+15005550100";
const phone = "+14155552671";
const freeNumber = "+12025550142";
const bugs: unknown[] = [];
let database: TestDatabase;
let app: App;
let client: Twilio;
let tester: Twilio;

const connect = (accountSid: string, authToken: string, apiKeySid?: string) =>
  createLongwaveClient({
    ...{ baseUrl: app.url, accountSid, authToken },
    ...(apiKeySid === undefined ? {} : { apiKeySid }),
  });

beforeAll(async () => {
  database = await createTestDatabase();
  const config = {
    ...readConfig({ LONGWAVE_SECRET_KEY: secretKey }),
    ...{ port: 0, simulatorPort: 0, simulatorHttpPort: 0 },
  };
  const report = (error: unknown) => bugs.push(error);
  app = await startApp({ config, address: database.address, clock, version: "0.0.0", report });
  client = connect(app.firstAccount.sid, app.firstAccount.token);
  const { sql } = database;
  const seal = createSeal(Buffer.from(secretKey, "hex"));
  const forTest = await createAccount({ sql, seal, clock }, { isTest: true });
  tester = connect(forTest.account.sid, forTest.token);
  const free = { kind: "long_code", country: "US", connector: "simulator" } as const;
  await importInventory(sql, [{ ...free, number: freeNumber, segmentsPerSecond: 1 }], clock());
  // The server takes a configuration over that another process changed.
  await vi.waitFor(
    () => expect(send(tester, { to: "+15005550001" })).rejects.toHaveProperty("code", 21211),
    30_000,
  );
});
afterAll(async () => {
  await app?.close();
  await database?.close();
  expect(bugs).toEqual([]);
});

type Wanted = { to: string; from?: string; body?: string };

function send(by: Twilio, { to, from = "+15005550006", body = "Hello" }: Wanted) {
  return by.messages.create({ to, from, body });
}

test("a text is created, fetched, and found by its filters", async () => {
  const made = await send(client, { to: phone, from: longCode });
  expect(made).toMatchObject({
    ...{ to: phone, from: longCode, body: "Hello", numSegments: "1", numMedia: "0" },
    ...{ direction: "outbound-api", status: "queued", errorCode: null, price: null },
  });
  const fetched = await client.messages(made.sid).fetch();
  expect(fetched.dateCreated).toBeInstanceOf(Date);
  const listed = await client.messages.list({ to: phone, from: longCode, limit: 5 });
  expect(listed.map((one) => one.sid)).toContain(made.sid);
});

test("pages follow each other without a gap while texts are added", async () => {
  const to = "+14155552672";
  const sids: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    sids.push((await send(client, { to, from: longCode })).sid);
  }
  const first = await client.messages.page({ to, pageSize: 2 });
  await send(client, { to, from: longCode });
  const second = await first.nextPage();
  const third = await second?.nextPage();
  const seen = [first, second, third].flatMap((page) => page?.instances ?? []);
  expect(seen.map((one) => one.sid)).toEqual(sids.reverse());
  expect(await third?.nextPage()).toBeUndefined();
});

const refused: [string, Wanted, number][] = [
  ["no recipient", { to: "" }, 21604],
  ["a recipient that is no number", { to: "12" }, 21211],
  ["a sender that is no number and no name", { to: phone, from: "Long@wave" }, 21212],
  ["a sender of nobody", { to: phone, from: "+12025550199" }, 21659],
  ["an empty body", { to: phone, from: longCode, body: "" }, 21619],
  ["a body that is too long", { to: phone, from: longCode, body: "x".repeat(1_601) }, 21617],
  ["another channel", { to: `whatsapp:${phone}`, from: longCode }, 63007],
];
test.each(refused)("%s is refused with its code", async (_name, wanted, code) => {
  await expect(send(client, wanted)).rejects.toMatchObject({ status: 400, code });
});

test("a text meant for tomorrow is not sent now", async () => {
  const sendAt = new Date("2027-01-01T00:00:00Z");
  const scheduled = { to: phone, from: longCode, body: "Hello", sendAt };
  await expect(
    client.messages.create({ ...scheduled, scheduleType: "fixed" }),
  ).rejects.toMatchObject({ code: 20001 });
});

test("feedback is recorded, and media are an empty list", async () => {
  const { sid } = await send(client, { to: phone, from: longCode });
  const feedback = await client.messages(sid).feedback.create({ outcome: "confirmed" });
  expect(feedback).toMatchObject({ messageSid: sid, outcome: "confirmed" });
  expect(await client.messages(sid).media.list()).toEqual([]);
});

test("a finished text is redacted and deleted", async () => {
  const { sid } = await send(client, { to: phone, from: longCode });
  await vi.waitFor(
    async () => expect((await client.messages(sid).fetch()).status).toBe("delivered"),
    { timeout: 30_000, interval: 100 },
  );
  expect((await client.messages(sid).update({ body: "" })).body).toBe("");
  await expect(client.messages(sid).update({ status: "canceled" })).rejects.toMatchObject({
    code: 30409,
  });
  expect(await client.messages(sid).remove()).toBe(true);
  await expect(client.messages(sid).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
});

test("the magic numbers answer without sending", async () => {
  const answers = [
    ["+15005550002", 21612],
    ["+15005550003", 21408],
    ["+15005550004", 21610],
    ["+15005550009", 21614],
  ] as const;
  for (const [to, code] of answers) {
    await expect(send(tester, { to })).rejects.toMatchObject({ code });
  }
  for (const [from, code] of [
    ["+15005550001", 21212],
    ["+15005550007", 21606],
    ["+15005550008", 21611],
    [longCode, 21606],
  ] as const) {
    await expect(send(tester, { to: phone, from })).rejects.toMatchObject({ code });
  }
  expect((await send(tester, { to: phone })).status).toBe("queued");
  await expect(tester.messages.list()).rejects.toMatchObject({ code: 20008 });
});

test("the magic numbers are claimed without a claim", async () => {
  const claim = (phoneNumber: string) => tester.incomingPhoneNumbers.create({ phoneNumber });
  await expect(claim("+15005550000")).rejects.toMatchObject({ code: 21422 });
  await expect(claim("+15005550001")).rejects.toMatchObject({ code: 21421 });
  await expect(tester.incomingPhoneNumbers.create({ areaCode: "533" })).rejects.toMatchObject({
    code: 21452,
  });
  expect((await claim("+15005550006")).phoneNumber).toBe("+15005550006");
  expect(await client.incomingPhoneNumbers.list({ phoneNumber: "+15005550006" })).toEqual([]);
});

test("an API key works until it is deleted", async () => {
  const key = await client.newKeys.create({ friendlyName: "deploy" });
  const byKey = connect(app.firstAccount.sid, key.secret, key.sid);
  expect((await byKey.keys.list()).map((one) => one.sid)).toContain(key.sid);
  expect((await client.keys(key.sid).update({ friendlyName: "old" })).friendlyName).toBe("old");
  await client.keys(key.sid).remove();
  await expect(byKey.keys.list()).rejects.toMatchObject({ status: 401, code: 20003 });
});

test("a main account works on its subaccount, suspends it and closes it for good", async () => {
  const made = await client.api.v2010.accounts.create({ friendlyName: "Branch" });
  expect(made).toMatchObject({ ownerAccountSid: app.firstAccount.sid, status: "active" });
  const branch = client.api.v2010.accounts(made.sid);
  expect(await branch.messages.list()).toEqual([]);
  await expect(
    branch.messages.create({ to: phone, from: longCode, body: "Hello" }),
  ).rejects.toMatchObject({ code: 21660 });
  const own = connect(made.sid, made.authToken);
  await expect(own.api.v2010.accounts(app.firstAccount.sid).fetch()).rejects.toMatchObject({
    code: 20003,
  });
  expect((await branch.update({ status: "suspended" })).status).toBe("suspended");
  await expect(own.messages.list()).rejects.toMatchObject({ code: 20005 });
  expect((await branch.update({ status: "closed" })).status).toBe("closed");
  await expect(branch.update({ status: "active" })).rejects.toMatchObject({ status: 400 });
});

test("a free number is found, claimed once, set up and given back", async () => {
  const [found] = await client.availablePhoneNumbers("US").local.list({ areaCode: 202, limit: 5 });
  expect(found?.phoneNumber).toBe(freeNumber);
  const claim = { phoneNumber: freeNumber, smsUrl: "https://example.com/sms" };
  const claims = await Promise.allSettled(
    [1, 2].map(() => client.incomingPhoneNumbers.create(claim)),
  );
  expect(claims.map((one) => one.status).sort()).toEqual(["fulfilled", "rejected"]);
  const [held] = await client.incomingPhoneNumbers.list({ phoneNumber: freeNumber });
  expect(held).toMatchObject({ smsUrl: claim.smsUrl, smsMethod: "POST" });
  await expect(client.incomingPhoneNumbers.create(claim)).rejects.toMatchObject({ code: 21422 });
  const number = client.incomingPhoneNumbers(held?.sid ?? "");
  expect((await number.update({ smsMethod: "GET" })).smsMethod).toBe("GET");
  expect(await number.remove()).toBe(true);
  expect((await client.availablePhoneNumbers("US").fetch()).countryCode).toBe("US");
});

test("a short code is listed and set up", async () => {
  const [code] = await client.shortCodes.list();
  expect(code?.shortCode).toBe("55501");
  const updated = await client.shortCodes(code?.sid ?? "").update({ friendlyName: "Alerts" });
  expect(updated.friendlyName).toBe("Alerts");
});

test("an idempotency key sends once, and refuses another body", async () => {
  const post = (body: string) =>
    fetch(`${app.url}/2010-04-01/Accounts/${app.firstAccount.sid}/Messages.json`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(`${app.firstAccount.sid}:${app.firstAccount.token}`)}`,
        "idempotency-key": "order-7",
      },
      body: new URLSearchParams({ To: phone, From: longCode, Body: body }),
    });
  const [first, second] = await Promise.all([post("Paid"), post("Paid")]);
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(await second.text()).toBe(await first.text());
  const other = await post("Shipped");
  expect([other.status, await other.json()]).toMatchObject([409, { code: 20409 }]);
});
