import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { type App, startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { type Clock, SECOND, systemClock } from "../../src/lib/clock.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

let database: TestDatabase;
let folder: string;
let app: App;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), "longwave-simulator-"));
  app = await start();
});

afterAll(async () => {
  await app.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

function start(clock: Clock = systemClock): Promise<App> {
  const config = readConfig({
    ...{ PORT: "0", LONGWAVE_DATA_DIR: folder, LONGWAVE_SIMULATOR_HTTP_PORT: "0" },
  });
  return startApp({
    ...{ config, address: database.address, clock, version: "0" },
    report: (error) => {
      throw error;
    },
  });
}

function clientOf({ url: baseUrl, firstAccount }: App) {
  const { sid: accountSid, token: authToken } = firstAccount;
  return createLongwaveClient({ baseUrl, accountSid, authToken });
}

const sender = "55501";
const send = (to: string) =>
  clientOf(app).messages.create({ to, from: sender, body: "Your table is ready." });
const fetchText = (sid: string) => clientOf(app).messages(sid).fetch();

test("a receipt that came due while Longwave was stopped comes after its restart", async () => {
  const { sid } = await send("+12025559906");
  const status = async () => (await fetchText(sid)).status;
  await expect.poll(status).toBe("sent");
  await app.close();
  // The receipt is due 30 seconds after the submission.
  app = await start(() => new Date(systemClock().getTime() + 31 * SECOND));
  await expect.poll(status).toBe("delivered");
});

test("a person's long answer in emoji, whose parts come together, arrives whole and once", async () => {
  await send("+12025559915");
  const answers = () => clientOf(app).messages.list({ from: "+12025559915" });
  await expect.poll(answers).not.toEqual([]);
  const unanswered = () => database.sql`select from unanswered_texts`;
  await expect.poll(unanswered).toHaveLength(0);
  const body = "Great news! 🎉 ".repeat(8).trim();
  expect(await answers()).toEqual([expect.objectContaining({ body, numSegments: "2" })]);
});

test.each([
  ["9907", "delivered", null],
  ["9908", "delivered", null],
  ["9921", "undelivered", 30005],
  ["9922", "undelivered", 30003],
  ["9925", "delivered", null],
  ["9926", "delivered", null],
])("a text to a number that ends in %s becomes %s", async (suffix, status, errorCode) => {
  const { sid } = await send(`+1202555${suffix}`);
  await expect.poll(() => fetchText(sid)).toMatchObject({ status, errorCode });
});

test("a network that throttles gets each text once", async () => {
  app.simulator?.useScenario("congested");
  const phones = Array.from({ length: 40 }, (_none, index) => `+1202555${1_000 + index}`);
  await Promise.all(phones.map(send));
  // Undeliverable and late are of the scenario; every text is taken, none of them twice.
  const taken = async () => {
    const url = `http://127.0.0.1:${app.simulator?.httpPort}/submissions?after=0`;
    const all = (await (await fetch(url)).json()) as { to: string; atMs: number }[];
    return all.map(({ to }) => `+${to}`).filter((to) => phones.includes(to));
  };
  await expect.poll(async () => (await taken()).length).toBe(40);
  expect((await taken()).toSorted()).toEqual(phones);
  const state = await fetch(`http://127.0.0.1:${app.simulator?.httpPort}/state`);
  expect(((await state.json()) as { refused: number }).refused).toBeGreaterThan(0);
});
