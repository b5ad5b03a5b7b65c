import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatabaseAddress } from "../../src/db/connect.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { type Simulator, simulatorLogin, startSimulator } from "../../src/simulator/simulator.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { cleanUp, type Longwave, startLongwave } from "../start/longwave.ts";

const accountSid = `AC${"7".repeat(32)}`;
const authToken = "7".repeat(32);
const senders = Array.from({ length: 16 }, (_, index) => `+150055501${10 + index}`);
const SEGMENTS_PER_SECOND = 10;
const TEXTS_PER_SENDER = 120;

let database: TestDatabase;
let folder: string;
let simulator: Simulator;
let processes: Longwave[];

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "longwave-takeover-"));
  const ports = { port: 0, httpPort: 0 };
  simulator = await startSimulator({ ...ports, seed: 1, receiptDelayMs: 300, clock });
  processes = [];
  for (let count = 0; count < 2; count += 1) {
    const longwave = startLongwave(folder, { env: { ...urlsOf(database.address), ...settings } });
    await longwave.url;
    processes.push(longwave);
  }
  await setUp();
}, 90_000);

afterAll(async () => {
  await cleanUp();
  await simulator.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const settings = {
  ...{ LONGWAVE_ACCOUNT_SID: accountSid, LONGWAVE_AUTH_TOKEN: authToken },
  ...{ LONGWAVE_SECRET_KEY: "7".repeat(64), LONGWAVE_ALLOW_PRIVATE: "127.0.0.0/8" },
};

/** A socket's folder as a URL: for a process of its own. */
function urlsOf(address: DatabaseAddress): Record<string, string> {
  if (address.kind === "url") {
    const { url, directUrl } = address;
    return { DATABASE_URL: url, ...(directUrl && { DATABASE_DIRECT_URL: directUrl }) };
  }
  const host = encodeURIComponent(address.folder);
  return { DATABASE_URL: `postgres://longwave@${host}/${address.database}` };
}

async function call(path: string, body: string | URLSearchParams): Promise<void> {
  const response = await fetch(`${await processes[1]?.url}${path}`, {
    ...{ method: "POST", body },
    headers: {
      authorization: `Basic ${btoa(`${accountSid}:${authToken}`)}`,
      ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
    },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

async function setUp(): Promise<void> {
  const carrier = { host: "127.0.0.1", port: simulator.port, ...simulatorLogin };
  await call(
    "/longwave/v1/Connectors",
    JSON.stringify({ name: "carrier", kind: "smpp", settings: carrier }),
  );
  const numbers = senders.map((number) => ({
    ...{ number, kind: "long_code", country: "US", connector: "carrier" },
    segments_per_second: SEGMENTS_PER_SECOND,
  }));
  await call("/longwave/v1/Inventory", JSON.stringify({ numbers }));
  const registrations = senders.map((number) => ({ number, campaign: "TAKEOVER" }));
  await call("/longwave/v1/Registrations", JSON.stringify({ registrations }));
  const path = `/2010-04-01/Accounts/${accountSid}/IncomingPhoneNumbers.json`;
  for (const number of senders) await call(path, new URLSearchParams({ PhoneNumber: number }));
}

type Submission = { readonly atMs: number; readonly from: string };

/** What the carrier has taken; stamped by this process's monotonic clock. */
async function submissions(): Promise<Submission[]> {
  const response = await fetch(`http://127.0.0.1:${simulator.httpPort}/submissions?after=0`);
  return (await response.json()) as Submission[];
}

/** The longest that each lane was silent after an instant, until it had nothing left. */
function pausesAfter(log: readonly Submission[], killedAtMs: number): number[] {
  return senders.map((sender) => {
    const times = log.filter(({ from }) => `+${from.replace("+", "")}` === sender);
    const after = times.map(({ atMs }) => atMs).filter((atMs) => atMs > killedAtMs);
    return Math.max(...after.map((atMs, place) => atMs - (after[place - 1] ?? killedAtMs)));
  });
}

// How long the pause is tells `npm run bench -- takeover`: a busy machine makes it longer.
test("when one of two processes is killed with -9, its lanes go on from the other", async () => {
  const messages = senders.flatMap((from, index) =>
    Array.from({ length: TEXTS_PER_SENDER }, (_, serial) => ({
      ...{ From: from, To: `+1202${555 + index}${1_000 + serial}`, Body: "Hello" },
    })),
  );
  for (let start = 0; start < messages.length; start += 1_000) {
    const slice = messages.slice(start, start + 1_000);
    await call("/longwave/v1/Messages/Bulk", JSON.stringify({ messages: slice }));
  }
  const sendersSeen = async () => new Set((await submissions()).map(({ from }) => from)).size;
  await expect.poll(sendersSeen).toBe(senders.length);
  const killedAtMs = performance.now();
  processes[0]?.child.kill("SIGKILL");
  await processes[0]?.ended;
  await expect
    .poll(async () => (await submissions()).length, { timeout: 50_000, interval: 500 })
    .toBeGreaterThanOrEqual(messages.length);
  const pauses = pausesAfter(await submissions(), killedAtMs);
  expect(pauses.filter((ms) => ms > 1_000).length).toBeGreaterThan(0); // some were the dead one's
});
