import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveApi } from "../../../sdk/src/longwave-api.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const longCode = "+12025550142";
const tollFree = "+18445550142";
let started: StartedApp;
let api: ReturnType<typeof createLongwaveApi>;

beforeAll(async () => {
  started = await startTestApp();
  const { sid, token } = started.app.firstAccount;
  api = createLongwaveApi({ baseUrl: started.app.url, accountSid: sid, authToken: token });
  // A carrier that is away: what is accepted for it stays in the queue.
  const settings = { host: "127.0.0.1", port: await closedPort(), systemId: "a", password: "b" };
  await api.connectors.add({ name: "carrier", kind: "smpp", settings });
  const facts = { country: "US", connector: "carrier", segments_per_second: 1 };
  await api.inventory.put([
    { number: longCode, kind: "long_code", ...facts },
    { number: tollFree, kind: "toll_free", ...facts },
  ]);
  for (const PhoneNumber of [longCode, tollFree]) {
    await started.call(`${started.home}/IncomingPhoneNumbers.json`, { form: { PhoneNumber } });
  }
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const send = async (From: string, To = "+12025550123") => {
  const form = { To, From, Body: "Hello" };
  const { json } = await started.call(`${started.home}/Messages.json`, { form });
  return json.code ?? json.status;
};
const register = (number: string, status?: "pending" | "active" | "suspended") =>
  api.registrations.put([
    { number, campaign: "C1AB2CD", class: "A", ...(status === undefined ? {} : { status }) },
  ]);

test("a long code texts the United States only while its campaign is active", async () => {
  expect(await send(longCode)).toBe(30034);
  await register(longCode, "pending");
  expect(await send(longCode)).toBe(30035);
  await register(longCode);
  expect(await send(longCode)).toBe("queued");
  await register(longCode, "suspended");
  expect(await send(longCode)).toBe(30033);
  await api.registrations.remove(longCode);
  expect(await send(longCode)).toBe(30034);
});

test("a toll-free number texts the United States only once it is verified", async () => {
  expect(await send(tollFree)).toBe(30032);
  await register(tollFree);
  expect(await send(tollFree)).toBe("queued");
});

test("the simulated network asks for no registration", async () => {
  expect(await send("+15005550100")).toBe("queued");
  expect(await send("+18335550100")).toBe("queued");
});

/** A port where nobody listens. */
function closedPort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
