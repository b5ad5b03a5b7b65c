import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { simulatorLogin, startSimulator } from "../../src/simulator/simulator.ts";
import { type Credentials, type StartedApp, startTestApp } from "../compat/started-app.ts";
import { firstWaiting } from "./paused-lane.ts";

const longCode = "+15005550100";
const tollFree = "+18335550100";
let started: StartedApp;
let client: ReturnType<typeof createLongwaveClient>;
let subaccount: Credentials;

beforeAll(async () => {
  started = await startTestApp();
  const { sid: accountSid, token: authToken } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid, authToken });
  const made = await client.api.accounts.create({ friendlyName: "Customer" });
  subaccount = { sid: made.sid, token: made.authToken };
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const ask = async (path: string, change?: object, as?: Credentials) => {
  const body = change && { body: JSON.stringify(change) };
  const headers: Record<string, string> = change ? { "content-type": "application/json" } : {};
  return started.call(`/longwave/v1${path}`, { ...body, headers, as });
};
const lane = async (number: string) => (await ask(`/Lanes/${number}`)).json;
const send = (from: string, to = "+12025550123") =>
  client.messages.create({ from, to, body: "Hello" });
/** At once: one after the other may be as slow as the lane that they are to fill. */
const sendMany = (count: number, from: string) =>
  Promise.all(Array.from({ length: count }, () => send(from)));
const statusOf = async (sid: string) => (await client.messages(sid).fetch()).status;
const waiting = async (sid: string) =>
  (await ask(`/Messages/${sid}/Timeline`)).json.timeline.at(-1);

test("a text in a paused lane waits and says so; resumed, it is delivered", async () => {
  const paused = await ask(`/Lanes/${longCode}`, { is_paused: true });
  expect(paused).toMatchObject({ status: 200, json: { phase: "paused", is_paused: true } });
  const sid = await firstWaiting(() => send(longCode), statusOf);
  expect(await lane(longCode)).toMatchObject({
    ...{ lane: longCode, phase: "paused", seconds_to_drain: null, connector: "simulator" },
    limit: { name: "pause", set_by: `account ${started.app.firstAccount.sid}` },
  });
  const entry = await waiting(sid);
  expect(entry.words).toBe(
    "Waits in the sender's queue, 0 message(s) ahead of it. The lane is paused: nothing leaves.",
  );
  expect(entry.remedy).toBe(`Resume it: longwave lanes resume ${longCode}`);
  await ask(`/Lanes/${longCode}`, { is_paused: false });
  await expect.poll(() => statusOf(sid)).toBe("delivered");
});

test("the limit that binds is told with who set it; a higher one is in force at once", async () => {
  const slow = { segments_per_second: 1, max_queue_seconds: 300 };
  expect(await ask(`/Lanes/${tollFree}`, slow)).toMatchObject({
    ...{ status: 200, json: { capacity: 300, max_queue_seconds: 300, phase: "idle" } },
  });
  const sids = (await sendMany(80, tollFree)).map(({ sid }) => sid);
  await expect.poll(async () => (await lane(tollFree)).phase).toBe("paced");
  await expect
    .poll(async () => (await lane(tollFree)).measured_segments_per_second)
    .toBeCloseTo(1, 0);
  // Each look is a moment of its own: right after a segment nothing holds the lane.
  const look = async () => {
    const { depth, seconds_to_drain, ...told } = await lane(tollFree);
    return { ...told, isDepthInSeconds: seconds_to_drain === depth };
  };
  await expect.poll(look).toMatchObject({
    ...{ segments_per_second: 1, isDepthInSeconds: true },
    limit: { name: "sender", set_by: "the inventory" },
  });
  await expect
    .poll(() => waiting(sids.at(-1) ?? ""))
    .toMatchObject({ rule: "The lane's limit now: sender, set by the inventory." });
  await ask(`/Lanes/${tollFree}`, { segments_per_second: 100 });
  await expect.poll(async () => (await lane(tollFree)).depth).toBe(0);
  expect(await lane(tollFree)).toMatchObject({ phase: "idle", segments_per_second: 100 });
});

test("a lane that is drained refuses the SDK with 21611 until it is resumed", async () => {
  const drained = await ask(`/Lanes/${longCode}`, { is_draining: true });
  expect(drained.json).toMatchObject({ phase: "draining", limit: { name: "drain" } });
  await expect(send(longCode)).rejects.toMatchObject({ status: 429, code: 21611 });
  expect((await ask("/Lanes?Busy=true")).json.lanes).toContainEqual(
    expect.objectContaining({ lane: longCode }),
  );
  await ask(`/Lanes/${longCode}`, { is_draining: false });
  expect((await send(longCode)).status).toBe("queued");
});

test("a carrier that cannot be reached is the limit of its senders, with its cause", async () => {
  const settings = { host: "127.0.0.1", port: 9, systemId: "a", password: "b" };
  const number = { number: "+15005550177", kind: "long_code", country: "US", connector: "away" };
  await ask("/Connectors", { name: "away", kind: "smpp", settings });
  await ask("/Inventory", { numbers: [{ ...number, segments_per_second: 1 }] });
  await ask("/Registrations", { registrations: [{ number: number.number, campaign: "C1AB2CD" }] });
  await client.incomingPhoneNumbers.create({ phoneNumber: number.number });
  const { sid } = await send(number.number);
  await expect.poll(async () => (await lane(number.number)).phase).toBe("reconnecting");
  const { words, remedy } = await waiting(sid);
  expect(words).toContain("Connector away is not bound to its carrier.");
  expect(remedy).toContain("It comes back by itself.");
});

/** One in which no midnight comes while the test runs. */
const middayZone = () => {
  const hour = clock().getUTCHours();
  return hour < 6 || hour > 18 ? "Etc/GMT-12" : "Etc/UTC";
};

test("a rate of the connector's binds, or its day, is told as the limit that binds", async () => {
  const ports = { port: 0, httpPort: 0 };
  const carrier = await startSimulator({ ...ports, seed: 1, receiptDelayMs: 10, clock });
  const settings = { host: "127.0.0.1", port: carrier.port, ...simulatorLogin };
  const number = { number: "+15005550176", kind: "long_code", country: "US", connector: "rated" };
  await ask("/Connectors", {
    ...{ name: "rated", kind: "smpp", settings: { ...settings, segmentsPerSecond: 2 } },
  });
  await ask("/Inventory", { numbers: [{ ...number, segments_per_second: 100 }] });
  await ask("/Registrations", { registrations: [{ number: number.number, campaign: "C1AB2CD" }] });
  await client.incomingPhoneNumbers.create({ phoneNumber: number.number });
  await sendMany(120, number.number);
  await expect
    .poll(async () => await lane(number.number))
    .toMatchObject({
      phase: "paced",
      limit: {
        ...{ name: "connector", set_by: "the settings of connector rated" },
        words: "The limit of the connector rated is 2 segments per second.",
      },
    });
  const change = (rates: object) =>
    ask("/Connectors/rated", { settings: { ...settings, ...rates } });
  await change({ segmentsPerDay: 3, dayZone: middayZone() });
  await expect
    .poll(async () => await lane(number.number))
    .toMatchObject({
      phase: "capped",
      limit: {
        ...{ name: "connector day", set_by: "the settings of connector rated" },
        words: expect.stringContaining("Connector rated has sent the 3 segments"),
      },
    });
  await change({ segmentsPerMinute: 30 });
  await expect
    .poll(async () => (await lane(number.number)).limit?.words)
    .toBe("The limit of the connector rated is 30 segments per minute.");
  await ask("/Connectors/rated", { is_enabled: false });
  await expect.poll(async () => (await lane(number.number)).phase).toBe("no route");
  await carrier.close();
});

test("a brand's day that is used up holds its numbers' texts back, until the operator raises it", async () => {
  await ask("/Registrations", {
    registrations: [{ number: longCode, campaign: "C1", brand: "B1" }],
  });
  const put = (segments_per_day: number) =>
    ask("/RegistrationLimits", {
      registration_limits: [{ kind: "brand", id: "B1", segments_per_day }],
    });
  await expect.poll(async () => (await lane(longCode)).depth).toBe(0);
  expect((await put(1)).json).toEqual({ stored: 1 });
  await send(longCode);
  await send(longCode);
  await expect
    .poll(() => lane(longCode))
    .toMatchObject({
      ...{ depth: 1, phase: "capped", seconds_to_drain: null },
      limit: { name: "brand day", set_by: "the operator" },
    });
  const [brand] = (await ask("/RegistrationLimits")).json.registration_limits;
  expect(brand).toMatchObject({ id: "B1", segments_today: 1 });
  await put(2);
  await expect.poll(async () => (await lane(longCode)).depth).toBe(0);
});

test("lanes are listed page by page; a lane that is not there is not found", async () => {
  const all = (await ask("/Lanes")).json.lanes.map((one: { lane: string }) => one.lane);
  const paged: string[] = [];
  let token = "";
  do {
    const page = (await ask(`/Lanes?PageSize=1&PageToken=${token}`)).json;
    paged.push(...page.lanes.map((one: { lane: string }) => one.lane));
    token = page.meta.next_token;
  } while (token !== null);
  expect(paged).toEqual(all);
  expect(new Set(all).size).toBeGreaterThanOrEqual(3);
  expect((await ask("/Lanes/+15005550199")).status).toBe(404);
  expect((await ask("/Lanes/+15005550199", { is_paused: true })).status).toBe(404);
});

test("an account sees and holds its own lanes, its owner holds them too, and sets limits", async () => {
  const owner = started.app.firstAccount;
  const number = { number: "+15005550178", kind: "long_code", country: "US" };
  await ask("/Inventory", {
    numbers: [{ ...number, connector: "simulator", segments_per_second: 1 }],
  });
  const customer = createLongwaveClient({
    ...{ baseUrl: started.app.url, accountSid: subaccount.sid, authToken: subaccount.token },
  });
  await customer.incomingPhoneNumbers.create({ phoneNumber: number.number });
  const path = `/Lanes/${number.number}`;
  expect((await ask("/Lanes", undefined, subaccount)).json.lanes).toEqual([]);
  expect((await ask(`/Lanes/${longCode}`, undefined, subaccount)).status).toBe(404);
  expect((await ask(`/Lanes/${longCode}`, { is_paused: true }, subaccount)).status).toBe(404);
  const others = `?AccountSid=${owner.sid}`;
  expect((await ask(`/Lanes${others}`, undefined, subaccount)).status).toBe(404);
  const faster = { segments_per_second: 50 };
  expect((await ask(path, faster, subaccount)).json.code).toBe(20403);
  expect((await ask(path, { is_paused: true }, subaccount)).json).toMatchObject({
    ...{ phase: "paused", account_sid: subaccount.sid },
  });
  expect((await ask(path, { is_paused: false })).status).toBe(404);
  const ofCustomer = `${path}?AccountSid=${subaccount.sid}`;
  expect((await ask(ofCustomer, { ...faster, is_paused: false })).json).toMatchObject({
    ...{ phase: "idle", segments_per_second: 50 },
  });
});
