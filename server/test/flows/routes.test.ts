import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { OperatorAlert } from "../../src/lib/errors.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";
import { type FakeTwilio, startFakeTwilio } from "../fake-twilio/fake-twilio.ts";

const number = "+12025550101";
let started: StartedApp;
let one: FakeTwilio;
let two: FakeTwilio;
let sent = 0;

beforeAll(async () => {
  [one, two] = await Promise.all([
    startFakeTwilio({ numbers: [{ phone_number: number }] }),
    startFakeTwilio({ numbers: [{ phone_number: number }] }),
  ]);
  started = await startTestApp();
  for (const [name, { accountSid, authToken, url: baseUrl }] of Object.entries({ one, two })) {
    const settings = { accountSid, authToken, baseUrl, senderLimits: { "long_code.US": 1_000 } };
    await post("/Connectors", { name, kind: "twilio", settings });
  }
  const probe = { accountSid: one.accountSid, authToken: "none" };
  await post("/Connectors", { name: "probe", kind: "twilio", settings: probe });
  const sender = { number, kind: "long_code", country: "US", connector: "one" };
  await post("/Inventory", { numbers: [{ ...sender, segments_per_second: 1_000 }] });
  const form = { PhoneNumber: number };
  await started.call(`${started.home}/IncomingPhoneNumbers.json`, { form });
});
afterEach(async () => {
  for (const fake of [one, two]) fake.behave = () => undefined;
  const { json } = await started.call("/longwave/v1/Routes");
  for (const { name } of json.routes) {
    await started.call(`/longwave/v1/Routes/${name}`, { method: "DELETE" });
  }
  await inForce();
});
afterAll(async () => {
  await started.close();
  await Promise.all([one.close(), two.close()]);
  expect(started.bugs.filter((bug) => !(bug instanceof OperatorAlert))).toEqual([]);
});

async function post(path: string, json: object) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(json);
  return await started.call(`/longwave/v1${path}`, { body, headers });
}

/**
 * What was configured is in force when two changes that came after it are: each is taken over as a
 * whole before the next.
 */
async function inForce() {
  for (const [isEnabled, phase] of [
    [true, "bound"],
    [false, "stopped"],
  ] as const) {
    await post("/Connectors/probe", { is_enabled: isEnabled });
    const phaseNow = async () => {
      const { json } = await started.call("/longwave/v1/Connectors");
      return json.connectors.find(({ name }: { name: string }) => name === "probe").state.phase;
    };
    await expect.poll(phaseNow).toBe(phase);
  }
}

const send = (To: string) => {
  sent += 1;
  const form = { To, From: number, Body: `Text ${sent}` };
  return started.call(`${started.home}/Messages.json`, { form });
};
const has = (fake: FakeTwilio, to: string) => fake.world.messages.filter((m) => m.to === to).length;
const phones = (count: number, block: string) =>
  Array.from({ length: count }, (_, index) => `+1415${block}${String(index).padStart(4, "0")}`);

async function sendAll(numbers: readonly string[]) {
  const before = one.world.messages.length + two.world.messages.length;
  for (const to of numbers) await send(to);
  const arrived = () => one.world.messages.length + two.world.messages.length - before;
  await expect.poll(arrived).toBe(numbers.length);
  return numbers.filter((to) => has(two, to) > 0);
}

test("traffic moves to another carrier by percentage, each recipient once and for good", async () => {
  const numbers = phones(60, "555");
  expect(await sendAll(numbers.slice(0, 10))).toEqual([]);
  await post("/Routes", { name: "move", connector: "two", senders: [number], percentage: 30 });
  await inForce();
  const some = await sendAll(numbers);
  expect(some.length).toBeGreaterThan(5);
  expect(some.length).toBeLessThan(35);
  await post("/Routes/move", { percentage: 100 });
  await inForce();
  const moved = numbers.filter((to) => has(two, to) > 0);
  expect(moved).toEqual(some);
  expect(await sendAll(numbers)).toEqual(numbers);
});

test("a country and a prefix have a carrier of their own", async () => {
  await post("/Routes", { name: "britain", connector: "two", countries: ["GB"] });
  await post("/Routes", { name: "san-jose", connector: "two", prefixes: ["+1408"] });
  await inForce();
  await send("+14085550199");
  await send("+14155559999");
  await expect.poll(() => has(two, "+14085550199")).toBe(1);
  await expect.poll(() => has(one, "+14155559999")).toBe(1);
});

const load = (csv: string, query = "") =>
  started.call(`/longwave/v1/NumberRanges/Import${query}`, {
    ...{ body: csv, headers: { "content-type": "text/csv" } },
  });
const ranges = async () => {
  const { json } = await started.call("/longwave/v1/NumberRanges");
  return json.number_ranges.map(({ prefix }: { prefix: string }) => prefix);
};

test("a network has a carrier of its own, by number ranges that the operator loads", async () => {
  const csv = "prefix,network,name\n+1415555,310260,T-Mobile\n+14155557002,310410,AT&T\n";
  expect((await load(csv)).json).toEqual({ stored: 2 });
  await post("/Routes", { name: "t-mobile", connector: "two", networks: ["310260"] });
  await inForce();
  await send("+14155557001");
  await send("+14155557002");
  await expect.poll(() => has(two, "+14155557001"), { timeout: 10_000 }).toBe(1);
  await expect.poll(() => has(one, "+14155557002"), { timeout: 10_000 }).toBe(1);
});

test("a spend cap counts by the connector that a text leaves by", async () => {
  const prices = ["one", "two"].map((connector) => ({
    ...{ connector, country: "US", price: connector === "one" ? "0.1" : "0.5" },
  }));
  await post("/Prices", { prices });
  await post("/SpendCaps", { country: "US", daily: "0.3" });
  await inForce();
  await send("+14155557101");
  await expect.poll(() => has(one, "+14155557101")).toBe(1);
  await post("/Routes", { name: "dear", connector: "two" });
  await inForce();
  const { json } = await send("+14155557102");
  const codeOf = async () => {
    const told = await started.call(`${started.home}/Messages/${json.sid}.json`);
    return told.json.error_code;
  };
  await expect.poll(codeOf).toBe(63038);
  expect(has(two, "+14155557102")).toBe(0);
  await started.call("/longwave/v1/SpendCaps/US", { method: "DELETE" });
  await inForce();
});

test("number ranges are replaced, removed, and the operator's alone", async () => {
  expect((await load("prefix,network\n+33612,20801\n+336,20810\n", "?Replace=true")).json).toEqual({
    stored: 2,
  });
  expect(await ranges()).toEqual(["+336", "+33612"]);
  const faulty = await load("prefix,network\n+337,20801\n0612,20801\n");
  expect(faulty.json).toMatchObject({ code: 20001, message: expect.stringContaining("row 3") });
  const path = `/longwave/v1/NumberRanges/${encodeURIComponent("+336")}`;
  expect((await started.call(path, { method: "DELETE" })).status).toBe(204);
  expect((await started.call(path, { method: "DELETE" })).status).toBe(404);
  expect(await ranges()).toEqual(["+33612"]);
  const { json } = await started.call("/2010-04-01/Accounts.json", { form: { FriendlyName: "B" } });
  const other = { sid: json.sid, token: json.auth_token };
  expect((await started.call("/longwave/v1/NumberRanges", { as: other })).status).toBe(403);
});

test("a refusal of the sender sends the text to the next carrier, and the timeline shows both", async () => {
  await post("/Routes", { name: "first", connector: "two" });
  await inForce();
  two.behave = () => ({ kind: "refuse", status: 400, code: 21606 });
  const { json } = await send("+14155558001");
  await expect.poll(() => has(one, "+14155558001")).toBe(1);
  const timeline = async () => {
    const told = await started.call(`/longwave/v1/Messages/${json.sid}/Timeline`);
    return JSON.stringify(told.json);
  };
  await expect.poll(timeline).toContain("connector one");
  expect(await timeline()).toContain("connector two");
});

test("a refusal of the recipient goes nowhere else", async () => {
  await post("/Routes", { name: "first", connector: "two" });
  await inForce();
  two.behave = () => ({ kind: "refuse", status: 400, code: 21610 });
  const { json } = await send("+14155558002");
  await expect
    .poll(async () => (await started.call(`${started.home}/Messages/${json.sid}.json`)).json)
    .toMatchObject({ status: "failed", error_code: 21610 });
  expect(has(one, "+14155558002")).toBe(0);
});

test("a text without a certain answer stays with its carrier", async () => {
  await post("/Routes", { name: "first", connector: "two" });
  await inForce();
  let asked = 0;
  two.behave = () => {
    asked += 1;
    return asked < 3 ? { kind: "silent" } : undefined;
  };
  await send("+14155558003");
  await expect.poll(() => asked).toBe(3);
  expect(has(one, "+14155558003")).toBe(0);
});

test("a carrier that is down gives its texts to the next, and gets them again when it is up", async () => {
  await post("/Routes", { name: "first", connector: "two" });
  await inForce();
  const token = two.world.accounts[0]?.auth_token;
  two.world.accounts[0] = { ...two.world.accounts[0], auth_token: "changed" };
  await send("+14155558004");
  await expect.poll(() => has(one, "+14155558004")).toBe(1);
  two.world.accounts[0] = { ...two.world.accounts[0], auth_token: token };
  let to = 5000;
  await expect
    .poll(
      async () => {
        const next = `+1415555${to++}`;
        await send(next);
        await expect.poll(() => has(one, next) + has(two, next)).toBe(1);
        return has(two, next);
      },
      { interval: 500 },
    )
    .toBe(1);
});

test("the simulator is no route, and a route's connector must be there", async () => {
  for (const connector of ["simulator", "nobody"]) {
    const { status, json } = await post("/Routes", { name: "wrong", connector });
    expect([connector, status, json.code]).toEqual([connector, 400, 20001]);
  }
  expect((await post("/Routes/nobody", { percentage: 5 })).status).toBe(404);
  await post("/Routes", { name: "first", connector: "two" });
  expect((await post("/Routes", { name: "first", connector: "two" })).status).toBe(409);
  const removal = await started.call("/longwave/v1/Connectors/two", { method: "DELETE" });
  expect(removal.status).toBe(409);
});
