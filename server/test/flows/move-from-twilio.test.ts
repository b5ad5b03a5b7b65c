import type { Twilio } from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { runCommand } from "../../src/cli/cli.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { type Simulator, simulatorLogin, startSimulator } from "../../src/simulator/simulator.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";
import { type FakeTwilio, startFakeTwilio } from "../fake-twilio/fake-twilio.ts";
import { listenForWebhooks, type Webhook } from "../fake-twilio/webhook-listener.ts";

// docs/move-from-twilio.md from its second step to its fifth, with a carrier of one's own at the end.
const numbers = ["+447700900101", "+447700900102", "+447700900103"] as const;
const serviceSid = `MG${"c".repeat(32)}`;
const stopped = "+447700900999";
const phones = Array.from({ length: 60 }, (_, at) => `+4477009002${String(at).padStart(2, "0")}`);

let started: StartedApp;
let fake: FakeTwilio;
let carrier: Simulator;
let hooks: Awaited<ReturnType<typeof listenForWebhooks>>;
let client: Twilio;
/** Every text that was accepted: its body is its own. */
const sent = new Map<string, { readonly body: string; readonly to: string }>();
/** What the status callback was told, by sid. */
const told = new Map<string, string[]>();
const inbound: Webhook[] = [];

beforeAll(async () => {
  hooks = await listenForWebhooks();
  fake = await startFakeTwilio({
    numbers: numbers.map((phone_number) => ({ phone_number, sms_url: `${hooks.url}/inbound` })),
    services: [
      {
        ...{ sid: serviceSid, friendly_name: "Shop", senders: numbers },
        ...{ use_inbound_webhook_on_number: true, status_callback: `${hooks.url}/status` },
      },
    ],
    messages: [
      { from: stopped, to: numbers[0], body: "STOP", direction: "inbound", status: "received" },
    ],
  });
  carrier = await startSimulator({
    ...{ port: 0, httpPort: 0, seed: 1, receiptDelayMs: 200, clock },
  });
  started = await startTestApp();
  const { sid: accountSid, token: authToken } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid, authToken });
  void keepWebhooks();
});
afterAll(async () => {
  await started.close();
  await Promise.all([fake.close(), carrier.close(), hooks.close()]);
  expect(started.bugs).toEqual([]);
});

async function keepWebhooks(): Promise<void> {
  for (;;) {
    const webhook = await hooks.next();
    const { MessageSid: sid = "", MessageStatus: status = "" } = webhook.form;
    if (webhook.path === "/inbound") inbound.push(webhook);
    else told.set(sid, [...(told.get(sid) ?? []), status]);
  }
}

async function post(path: string, json: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify(json);
  const answer = await started.call(`/longwave/v1${path}`, { body, headers });
  expect([path, answer.status, answer.json?.message]).toEqual([
    path,
    expect.any(Number),
    undefined,
  ]);
}

async function sendRound(name: string): Promise<void> {
  for (const to of phones) {
    const body = `${name} to ${to}`;
    const message = await client.messages.create({ messagingServiceSid: serviceSid, to, body });
    sent.set(message.sid, { body, to });
  }
}

type Arrived = { readonly from: string; readonly body: string; readonly by: "Twilio" | "carrier" };

/** What came to a phone, whichever way. */
function arrivedAt(phone: string): Arrived[] {
  const through = fake.world.messages.filter((one) => one.to === phone);
  return [
    ...through.map((one) => ({
      from: String(one.from),
      body: String(one.body),
      by: "Twilio" as const,
    })),
    ...carrier.shown(phone).map(({ from, body }) => ({ from, body, by: "carrier" as const })),
  ];
}

const round = (name: string) =>
  phones.flatMap(arrivedAt).filter(({ body }) => body.startsWith(`${name} `));

async function allDelivered(): Promise<void> {
  const undelivered = () =>
    [...sent.keys()].filter((sid) => told.get(sid)?.at(-1) !== "delivered").length;
  await expect.poll(undelivered).toBe(0);
}

test("an account at Twilio is imported", async () => {
  let says = "";
  const terminal = {
    write: (text: string) => {
      says += text;
    },
  };
  const { url, firstAccount } = started.app;
  const env = {
    ...{ LONGWAVE_URL: url, LONGWAVE_ACCOUNT_SID: firstAccount.sid },
    LONGWAVE_AUTH_TOKEN: firstAccount.token,
    ...{ TWILIO_ACCOUNT_SID: fake.accountSid, TWILIO_AUTH_TOKEN: fake.authToken },
  };
  const flags = ["--base-url", fake.url, "--apply", "--point-here", url];
  const io = { out: terminal, err: terminal, env, fetch };
  expect([await runCommand(["import", "twilio", ...flags], io), says]).toEqual([
    ...[0, expect.stringContaining("3 numbers, 1 services, 1 opt-outs")],
  ]);
  await expect
    .poll(async () => (await started.call("/longwave/v1/Connectors")).json.connectors)
    .toContainEqual(
      expect.objectContaining({
        name: "twilio",
        state: expect.objectContaining({ phase: "bound" }),
      }),
    );
});

test("texts go through Twilio, callbacks and texts from phones come back", async () => {
  await sendRound("first");
  await allDelivered();
  expect(new Set(round("first").map(({ by }) => by))).toEqual(new Set(["Twilio"]));
  const phone = phones[0] ?? "";
  await fake.receive(phone, numbers[1], "Is it open?");
  await expect.poll(() => inbound.at(-1)?.form.Body).toBe("Is it open?");
  await expect(
    client.messages.create({ messagingServiceSid: serviceSid, to: stopped, body: "Hello" }),
  ).rejects.toHaveProperty("code", 21610);
});

test("10 %, then all of the traffic moves to a carrier by SMPP, while texts are sent", async () => {
  const settings = { host: "127.0.0.1", port: carrier.port, ...simulatorLogin };
  await post("/Connectors", { name: "mine", kind: "smpp", settings });
  await post("/Routes", { name: "move", connector: "mine", countries: ["GB"], percentage: 10 });
  const isMoving = async () => {
    await sendRound(`some ${sent.size}`);
    return round("some").some(({ by }) => by === "carrier");
  };
  await expect.poll(isMoving).toBe(true);
  const sending = sendRound("while it changes");
  await post("/Routes/move", { percentage: 100 });
  await sending;
  await allDelivered();
  const some = new Set(round("some").map(({ by }) => by));
  expect(some).toEqual(new Set(["Twilio", "carrier"]));
  await sendRound("last");
  await allDelivered();
  expect(new Set(round("last").map(({ by }) => by))).toEqual(new Set(["carrier"]));
});

test("nothing was lost, nothing came twice", () => {
  const bodies = phones.flatMap(arrivedAt).map(({ body }) => body);
  const wanted = [...sent.values()].map(({ body }) => body);
  expect(bodies.toSorted()).toEqual(wanted.toSorted());
});

test("each status was told once, in order", () => {
  for (const sid of sent.keys()) {
    const statuses = (told.get(sid) ?? []).filter((status) => status !== "queued");
    expect(statuses).toEqual([...new Set(statuses)]);
    expect(statuses.indexOf("sent")).toBeLessThan(statuses.indexOf("delivered"));
  }
});

test("each phone saw one sender all the while", () => {
  const senders = phones.map((phone) => new Set(arrivedAt(phone).map(({ from }) => from)));
  expect(senders.filter(({ size }) => size !== 1)).toEqual([]);
  expect(new Set(senders.flatMap((one) => [...one])).size).toBeGreaterThan(1);
});
