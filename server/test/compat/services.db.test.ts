import type twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { routesMessagingV1 } from "../../src/api/messaging-v1/routes.ts";
import { type Contract, readContract } from "./contract.ts";
import { type Credentials, type StartedApp, startTestApp } from "./started-app.ts";

const contract = readContract("messaging_v1");
const by = contract as Contract;
const run = test.runIf(contract !== undefined);
let started: StartedApp;
let client: twilio.Twilio;
let other: Credentials;

beforeAll(async () => {
  started = await startTestApp();
  const { sid: accountSid, token: authToken } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid, authToken });
  const { json } = await started.call("/2010-04-01/Accounts.json", {
    form: { FriendlyName: "Other" },
  });
  other = { sid: json.sid, token: json.auth_token };
});
afterAll(async () => {
  await started?.close();
});

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 0,
    (error: { code: number }) => error.code,
  );

if (contract === undefined) {
  test("the contract of Twilio is not at hand (../shared/contracts): nothing is compared", () => {
    expect(contract).toBeUndefined();
  });
}

test("a service is made, read, changed and deleted with Twilio's SDK", async () => {
  const made = await client.messaging.v1.services.create({ friendlyName: "Orders" });
  expect(made).toMatchObject({ stickySender: true, validityPeriod: 36_000, usecase: "undeclared" });
  const service = client.messaging.v1.services(made.sid);
  const changed = await service.update({
    ...{ stickySender: false, usecase: "marketing", validityPeriod: 600 },
    inboundRequestUrl: "https://example.com/in",
  });
  expect(changed).toMatchObject({ friendlyName: "Orders", stickySender: false });
  expect(await service.fetch()).toMatchObject({
    ...{ usecase: "marketing", validityPeriod: 600, inboundRequestUrl: "https://example.com/in" },
  });
  const listed = await client.messaging.v1.services.list({ pageSize: 1 });
  expect(listed.map(({ sid }) => sid)).toContain(made.sid);
  await service.remove();
  expect(await codeOf(service.fetch())).toBe(20404);
});

test("the pages of a list follow each other", async () => {
  for (const friendlyName of ["A", "B", "C"]) {
    await client.messaging.v1.services.create({ friendlyName });
  }
  const names = (await client.messaging.v1.services.list({ pageSize: 1 })).map(
    (one) => one.friendlyName,
  );
  expect(names.slice(0, 3)).toEqual(["C", "B", "A"]);
});

test.each([
  ["a use case that is none", { Usecase: "fun" }, 21713],
  ["a validity of a day", { ValidityPeriod: "86400" }, 21624],
  ["no name", { FriendlyName: "" }, 20001],
  ["a URL that is none", { StatusCallback: "ftp://x" }, 20001],
  ["a priority of nine", { DefaultPriority: "9" }, 20001],
])("%s is refused", async (_name, form, code) => {
  const answer = await started.call("/v1/Services", { form: { FriendlyName: "S", ...form } });
  expect(answer).toMatchObject({ status: 400, json: { code } });
});

test("numbers and short codes join one service at most, and leave it", async () => {
  const [one, two] = await Promise.all(
    ["One", "Two"].map((friendlyName) => client.messaging.v1.services.create({ friendlyName })),
  );
  const [number] = await client.incomingPhoneNumbers.list({ limit: 1 });
  const [shortCode] = await client.shortCodes.list({ limit: 1 });
  const first = client.messaging.v1.services(one?.sid ?? "");
  const second = client.messaging.v1.services(two?.sid ?? "");
  const phoneNumberSid = number?.sid ?? "";
  expect(await first.phoneNumbers.create({ phoneNumberSid })).toMatchObject({
    ...{ phoneNumber: number?.phoneNumber, countryCode: "US", serviceSid: one?.sid },
  });
  expect(await codeOf(first.phoneNumbers.create({ phoneNumberSid }))).toBe(21710);
  expect(await codeOf(second.phoneNumbers.create({ phoneNumberSid }))).toBe(21712);
  await first.shortCodes.create({ shortCodeSid: shortCode?.sid ?? "" });
  expect(await first.phoneNumbers.list()).toHaveLength(1);
  expect(await first.shortCodes.list()).toHaveLength(1);
  expect(await codeOf(first.phoneNumbers(shortCode?.sid ?? "").fetch())).toBe(20404);
  await first.phoneNumbers(phoneNumberSid).remove();
  expect(await codeOf(first.phoneNumbers(phoneNumberSid).fetch())).toBe(20404);
  await first.remove();
  await second.shortCodes.create({ shortCodeSid: shortCode?.sid ?? "" });
  await second.shortCodes(shortCode?.sid ?? "").remove();
});

test("names join a service, for every country or for one", async () => {
  const { sid } = await client.messaging.v1.services.create({ friendlyName: "Names" });
  const service = client.messaging.v1.services(sid);
  const made = await service.alphaSenders.create({ alphaSender: "Longwave" });
  await service.destinationAlphaSenders.create({ alphaSender: "Ondes", isoCountryCode: "FR" });
  expect(await codeOf(service.alphaSenders.create({ alphaSender: "Longwave" }))).toBe(21710);
  expect(await codeOf(service.alphaSenders.create({ alphaSender: "0123456789" }))).toBe(21709);
  expect(await codeOf(service.alphaSenders.create({ alphaSender: "Far too long" }))).toBe(21709);
  expect(await service.alphaSenders.list()).toHaveLength(1);
  const french = await service.destinationAlphaSenders.list({ isoCountryCode: "FR" });
  expect(french).toMatchObject([{ alphaSender: "Ondes", isoCountryCode: "FR" }]);
  await service.alphaSenders(made.sid).remove();
  expect(await service.destinationAlphaSenders.list()).toHaveLength(1);
});

test("a service takes 400 senders and no more", async () => {
  const { sid } = await client.messaging.v1.services.create({ friendlyName: "Full" });
  await started.database.sql`
    insert into alpha_senders (sid, service, name, created_at)
    select 'AI' || number, ${sid}, 'N' || number, now()
    from generate_series(1, 399) as number
  `;
  const add = (alphaSender: string) =>
    codeOf(client.messaging.v1.services(sid).alphaSenders.create({ alphaSender }));
  expect((await Promise.all([add("Last"), add("Late")])).sort()).toEqual([0, 21714]);
});

test("a service tells the campaigns that the operator recorded of its numbers", async () => {
  const { sid } = await client.messaging.v1.services.create({ friendlyName: "Registered" });
  const service = client.messaging.v1.services(sid);
  expect(await service.usAppToPerson.list()).toEqual([]);
  const [number] = await client.incomingPhoneNumbers.list({ phoneNumber: "+15005550100" });
  await service.phoneNumbers.create({ phoneNumberSid: number?.sid ?? "" });
  const registration = { number: "+15005550100", campaign: "C1AB2CD", class: "A" };
  const record = (status: string) =>
    started.call("/longwave/v1/Registrations", {
      body: JSON.stringify({ registrations: [{ ...registration, status }] }),
      headers: { "content-type": "application/json" },
    });
  await record("pending");
  const [pending] = await service.usAppToPerson.list();
  expect(pending).toMatchObject({ campaignId: "C1AB2CD", campaignStatus: "PENDING" });
  expect((await service.fetch()).usAppToPersonRegistered).toBe(false);
  await record("active");
  const { sid: campaign = "" } = pending ?? {};
  const { json } = await started.call(`/v1/Services/${sid}/Compliance/Usa2p/${campaign}`);
  expect(json).toMatchObject({
    ...{ sid: campaign, campaign_status: "VERIFIED", rate_limits: { att: { msg_class: "A" } } },
  });
  expect(contract?.faultsOf("messaging.v1.service.us_app_to_person", json) ?? []).toEqual([]);
  expect((await service.fetch()).usAppToPersonRegistered).toBe(true);
  expect(await codeOf(service.usAppToPerson(`QE${"0".repeat(32)}`).fetch())).toBe(20404);
  await started.call("/longwave/v1/Registrations/+15005550100", { method: "DELETE" });
  await service.remove();
});

test("a service and its senders are not found by another account", async () => {
  const { sid } = await client.messaging.v1.services.create({ friendlyName: "Mine" });
  const { sid: name } = await client.messaging.v1
    .services(sid)
    .alphaSenders.create({ alphaSender: "Mine" });
  const [number] = await client.incomingPhoneNumbers.list({ limit: 1 });
  const { json } = await started.call("/v1/Services", { form: { FriendlyName: "T" }, as: other });
  const path = `/v1/Services/${sid}`;
  const asked = [
    { path },
    { path, form: { FriendlyName: "X" } },
    { path, method: "DELETE" },
    ...["PhoneNumbers", "ShortCodes", "AlphaSenders", "DestinationAlphaSenders"].map((part) => ({
      path: `${path}/${part}`,
    })),
    { path: `${path}/AlphaSenders`, form: { AlphaSender: "Theirs" } },
    { path: `${path}/AlphaSenders/${name}` },
    { path: `${path}/AlphaSenders/${name}`, method: "DELETE" },
    { path: `/v1/Services/${json.sid}/PhoneNumbers`, form: { PhoneNumberSid: `${number?.sid}` } },
  ];
  for (const { path: one, ...how } of asked) {
    const answer = await started.call(one, { ...how, as: other });
    expect({ one, status: answer.status, code: answer.json?.code }).toEqual({
      ...{ one, status: 404, code: 20404 },
    });
  }
  expect((await started.call("/v1/Services", { as: other })).json.services).toHaveLength(1);
});

run("services and their senders are as Twilio's contract says", async () => {
  const hold = async (
    [method, path, status]: readonly ["get" | "post", string, number],
    sids: Record<string, string> = {},
    form: Record<string, string> = {},
  ) => {
    const url = path.replace(/\{(\w+)\}/g, (_whole, name) => sids[name] ?? "missing");
    const answer = await started.call(url, method === "post" ? { form } : {});
    const faults = by.faults({ method, path, status }, answer.json);
    expect({ url, status: answer.status, faults }).toEqual({ url, status, faults: [] });
    return answer.json;
  };
  const { sid } = await hold(["post", "/v1/Services", 201], {}, { FriendlyName: "Contract" });
  await hold(["post", "/v1/Services/{Sid}", 200], { Sid: sid }, { Usecase: "poll" });
  await hold(["get", "/v1/Services/{Sid}", 200], { Sid: sid });
  await hold(["get", "/v1/Services", 200]);
  await hold(["get", "/v1/Services/Usecases", 200]);
  const [number] = await client.incomingPhoneNumbers.list({ limit: 1 });
  const [shortCode] = await client.shortCodes.list({ limit: 1 });
  const parts = [
    ["PhoneNumbers", { PhoneNumberSid: number?.sid ?? "" }],
    ["ShortCodes", { ShortCodeSid: shortCode?.sid ?? "" }],
    ["AlphaSenders", { AlphaSender: "Longwave" }],
    ["DestinationAlphaSenders", { AlphaSender: "Ondes", IsoCountryCode: "FR" }],
  ] as const;
  for (const [part, form] of parts) {
    const path = `/v1/Services/{ServiceSid}/${part}`;
    const made = await hold(["post", path, 201], { ServiceSid: sid }, form);
    await hold(["get", `${path}/{Sid}`, 200], { ServiceSid: sid, Sid: made.sid });
    await hold(["get", path, 200], { ServiceSid: sid });
  }
});

run("every parameter of the contract is taken, ignored or refused by its name", () => {
  const pathOf = (path: string) => {
    const isLast = path.endsWith(":service");
    return path.replace(":service", isLast ? "{Sid}" : "{ServiceSid}").replace(":sid", "{Sid}");
  };
  const unknown = routesMessagingV1.flatMap(({ method, path, parameters }) => {
    const names = by.parameters(method.toLowerCase(), pathOf(path));
    return names.filter((name) => !(name in parameters)).map((name) => `${method} ${path} ${name}`);
  });
  expect(unknown).toEqual([]);
  expect(by.parameters("post", pathOf("/v1/Services/:service"))).toContain("StickySender");
});
