import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { type Simulator, simulatorLogin, startSimulator } from "../../src/simulator/simulator.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const sender = "+12025550199";
const recipient = "+12025550123";
const SEGMENTS_PER_SECOND = 2;
/** Four segments of UCS-2. */
const long = "Жди меня 🎉 ".repeat(20);
let started: StartedApp;
let carrier: Simulator;

beforeAll(async () => {
  const ports = { port: 0, httpPort: 0 };
  carrier = await startSimulator({ ...ports, seed: 1, receiptDelayMs: 10, clock: systemClock });
  started = await startTestApp();
  const settings = { host: "127.0.0.1", port: carrier.port, ...simulatorLogin };
  const whole = { ...settings, concatenation: "payload" };
  await post("/Connectors", { name: "whole", kind: "smpp", settings: whole });
  const number = { number: sender, kind: "long_code", country: "US", connector: "whole" };
  await post("/Inventory", { numbers: [{ ...number, segments_per_second: SEGMENTS_PER_SECOND }] });
  await post("/Registrations", { registrations: [{ number: sender, campaign: "WHOLE" }] });
  const form = { PhoneNumber: sender };
  await started.call(`${started.home}/IncomingPhoneNumbers.json`, { form });
});
afterAll(async () => {
  await started?.close();
  await carrier?.close();
  expect(started.bugs).toEqual([]);
});

async function post(path: string, json: object) {
  const headers = { "content-type": "application/json" };
  const answer = await started.call(`/longwave/v1${path}`, { body: JSON.stringify(json), headers });
  expect(answer.status, answer.text).toBeLessThan(300);
}

async function send(body: string) {
  const form = { To: recipient, From: sender, Body: body };
  const { status, text, json } = await started.call(`${started.home}/Messages.json`, { form });
  expect(status, text).toBe(201);
  return json;
}

/** What the carrier has taken, and when. */
async function submissions(): Promise<{ atMs: number; parts: number }[]> {
  const response = await fetch(`http://127.0.0.1:${carrier.httpPort}/submissions?after=0`);
  return (await response.json()) as { atMs: number; parts: number }[];
}

test("a long text leaves in one piece, shows whole, and one receipt delivers it", async () => {
  const shown = carrier.nextText();
  const { sid, num_segments: segments } = await send(long);
  expect(segments).toBe("4");
  expect(await shown).toMatchObject({ to: recipient, body: long });
  const statusOf = async () =>
    (await started.call(`${started.home}/Messages/${sid}.json`)).json.status;
  await expect.poll(statusOf).toBe("delivered");
  expect(await submissions()).toMatchObject([{ parts: 1 }]);
});

test("a whole text waits until its sender's limit allows all of its segments", async () => {
  const before = (await submissions()).length;
  await send(long);
  await send(long);
  await expect.poll(async () => (await submissions()).length - before).toBe(2);
  const [first, second] = (await submissions()).slice(before);
  const betweenMs = (second?.atMs ?? 0) - (first?.atMs ?? 0);
  // The simulator stamps what it reads, which a busy machine does late.
  expect(betweenMs).toBeGreaterThan(((4 - 1) / SEGMENTS_PER_SECOND) * 1_000);
});
