import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveApi } from "../../../sdk/src/longwave-api.ts";
import { runCommand } from "../../src/cli/cli.ts";
import { DAY, HOUR, systemClock } from "../../src/lib/clock.ts";
import { OperatorAlert } from "../../src/lib/errors.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";
import { closeAll, startCarrier } from "../smpp-carrier.ts";

const longCode = "+12025550142";
const tollFree = "+18445550142";
const simulated = "+15005550100";
/** Four in the morning of the next day in New York, whatever the time is: quiet hours. */
const shiftMs = (8 * HOUR - (systemClock().getTime() % DAY) + DAY) % DAY;
const waits = { timeout: 30_000 };
let started: StartedApp;
let api: ReturnType<typeof createLongwaveApi>;

beforeAll(async () => {
  const clock = () => new Date(systemClock().getTime() + shiftMs);
  started = await startTestApp(undefined, { clock });
  const { sid, token } = started.app.firstAccount;
  api = createLongwaveApi({ baseUrl: started.app.url, accountSid: sid, authToken: token });
  const { port } = await startCarrier();
  const settings = { host: "127.0.0.1", port, systemId: "a", password: "b" };
  await api.connectors.add({ name: "carrier", kind: "smpp", settings });
  const facts = { country: "US", connector: "carrier", segments_per_second: 10 };
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
  await closeAll();
  expect(started.bugs.filter((bug) => !(bug instanceof OperatorAlert))).toEqual([]);
});

const post = (path: string, json: object) =>
  started.call(`/longwave/v1${path}`, {
    ...{ method: "POST", body: JSON.stringify(json) },
    headers: { "content-type": "application/json" },
  });
const send = async (From: string, To = "+12025550123", more: Record<string, string> = {}) => {
  const form = { To, From, Body: "Hello", ...more };
  return (await started.call(`${started.home}/Messages.json`, { form })).json;
};
const saysOf = async (From: string) => {
  const { code, status } = await send(From);
  return code ?? status;
};
const register = (number: string, status?: "pending" | "active" | "suspended") =>
  api.registrations.put([
    { number, campaign: "C1AB2CD", class: "A", ...(status === undefined ? {} : { status }) },
  ]);
const permit = (isOpen: boolean) =>
  started.call("/v1/Messaging/GeoPermissions", {
    method: "PATCH",
    form: {
      Permissions: JSON.stringify({ country_code: "FR", type: "country", enabled: isOpen }),
    },
  });
const setPause = (sender: string, isPaused: boolean) =>
  post(`/Lanes/${sender}`, { is_paused: isPaused });

/** As `longwave why` prints it, on one line. */
async function whyOf(message: string): Promise<string> {
  const { url, firstAccount } = started.app;
  const written: string[] = [];
  const terminal = { write: (text: string) => written.push(text) };
  const connection = ["--url", url, "--account", firstAccount.sid, "--token", firstAccount.token];
  await runCommand(["why", message, ...connection], {
    ...{ out: terminal, err: terminal, env: {}, fetch },
  });
  return written.join("").replace(/\s+/g, " ");
}

type Rule = {
  readonly code: number;
  readonly from?: string;
  readonly to: string;
  readonly more?: Record<string, string>;
  readonly open?: () => Promise<unknown>;
  readonly close: () => Promise<unknown>;
  /** What the refusal and `why` tell to do. */
  readonly remedy: RegExp;
};

const rules: [string, Rule][] = [
  [
    "STOP",
    {
      ...{ code: 21610, to: "+12025550161", remedy: /START/ },
      close: async () =>
        started.app.simulator?.inject({ from: "+12025550161", to: simulated, body: "STOP" }),
    },
  ],
  [
    "a country that is closed",
    {
      ...{ code: 21408, to: "+33612345678", remedy: /GeoPermissions/ },
      ...{ open: () => permit(true), close: () => permit(false) },
    },
  ],
  [
    "quiet hours",
    {
      ...{ code: 30610, to: "+12125550162", more: { MessageIntent: "marketing" } },
      remedy: /\/longwave\/v1\/QuietHours/,
      close: () => post("/QuietHours", { mode: "refuse" }),
    },
  ],
  [
    "a missing registration",
    {
      ...{
        code: 30034,
        from: longCode,
        to: "+12025550163",
        remedy: /\/longwave\/v1\/Registrations/,
      },
      open: () => register(longCode),
      close: () => api.registrations.remove(longCode),
    },
  ],
  [
    "a spend cap",
    {
      ...{ code: 63038, to: "+12025550164", remedy: /\/longwave\/v1\/SpendCaps/ },
      open: () =>
        post("/Prices", { prices: [{ connector: "simulator", country: "US", price: "0.02" }] }),
      close: () => post("/SpendCaps", { country: "US", daily: "0.01" }),
    },
  ],
];

test.each(rules)(
  "%s stops a text at accept and one that waits, and why tells it",
  async (_, rule) => {
    const { from = simulated, to, more } = rule;
    await rule.open?.();
    await setPause(from, true);
    const waiting = await send(from, to, more);
    expect(waiting.status).toBe("queued");
    await rule.close();
    await expect.poll(async () => (await send(from, to, more)).code, waits).toBe(rule.code);
    expect((await send(from, to, more)).message).toMatch(rule.remedy);
    await setPause(from, false);
    const end = async () => {
      const { json } = await started.call(`${started.home}/Messages/${waiting.sid}.json`);
      return [json.status, json.error_code];
    };
    await expect.poll(end, waits).toEqual(["failed", rule.code]);
    const why = await whyOf(waiting.sid);
    expect(why).toMatch(/rule: \S/);
    expect(why).toMatch(new RegExp(`do: .*${rule.remedy.source}`));
  },
);

test("a long code texts the United States only while its campaign is active", async () => {
  await register(longCode, "pending");
  expect(await saysOf(longCode)).toBe(30035);
  await register(longCode);
  expect(await saysOf(longCode)).toBe("queued");
  await register(longCode, "suspended");
  expect(await saysOf(longCode)).toBe(30033);
});

test("a toll-free number texts the United States only once it is verified", async () => {
  expect(await saysOf(tollFree)).toBe(30032);
  await register(tollFree);
  expect(await saysOf(tollFree)).toBe("queued");
});

test("the simulated network asks for no registration", async () => {
  await started.call("/longwave/v1/SpendCaps/US", { method: "DELETE" });
  expect(await saysOf(simulated)).toBe("queued");
  expect(await saysOf("+18335550100")).toBe("queued");
});
