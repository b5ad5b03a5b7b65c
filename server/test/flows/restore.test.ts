import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startApp } from "../../src/app.ts";
import { runCommand } from "../../src/cli/cli.ts";
import { restoredCommand } from "../../src/cli/restored.ts";
import { readConfig } from "../../src/config.ts";
import type { DatabaseAddress } from "../../src/db/connect.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { type StartedApp, secretKey, startTestApp } from "../compat/started-app.ts";
import { restoreBackup } from "../database.ts";

const json = { "content-type": "application/json" };
const from = "+15005550100";
const phones = ["+12025550171", "+12025550172", "+12025550173"];
let started: StartedApp;
const sids: string[] = [];

/** A Longwave whose database is a backup of one that had three texts waiting. */
beforeAll(async () => {
  const before = await startTestApp();
  await enable(before, false);
  for (const To of phones) {
    const form = { To, From: from, Body: `To ${To}` };
    sids.push((await before.call(`${before.home}/Messages.json`, { form })).json.sid);
  }
  started = await startTestApp(await restoreBackup(before.database, () => before.app.close()));
  await enable(started, true);
});
afterAll(async () => {
  await started.close();
  expect(started.bugs).toEqual([]);
});

async function enable(app: StartedApp, isEnabled: boolean): Promise<void> {
  const body = JSON.stringify({ is_enabled: isEnabled });
  const path = "/longwave/v1/Connectors/simulator";
  expect(await app.call(path, { body, headers: json })).toMatchObject({ status: 200 });
  const phase = async () =>
    (await app.call("/longwave/v1/Connectors")).json.connectors[0].state.phase;
  const wanted = isEnabled ? "bound" : "stopped";
  await vi.waitFor(async () => expect(await phase()).toBe(wanted), { timeout: 30_000 });
}

async function statusOf(sid: string | undefined): Promise<string> {
  return (await started.call(`${started.home}/Messages/${sid}.json`)).json.status;
}

async function longwave(...argv: string[]): Promise<{ code: number; says: string }> {
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
  };
  const code = await runCommand(argv, { out: terminal, err: terminal, env, fetch });
  return { code, says };
}

test("after a restore what waited is held while new texts are sent", async () => {
  expect(started.app.heldCount).toBe(3);
  const form = { To: "+12025550174", From: from, Body: "New" };
  const { json: sent } = await started.call(`${started.home}/Messages.json`, { form });
  await expect.poll(() => statusOf(sent.sid)).toBe("delivered");
  for (const phone of phones) expect(started.app.simulator?.shown(phone)).toEqual([]);
  const { says } = await longwave("held");
  expect(says.split("\n").filter((line) => line.includes("restored from a backup"))).toHaveLength(
    3,
  );
});

test("a timeline says that a message is held, and what to do", async () => {
  const { json: told } = await started.call(`/longwave/v1/Messages/${sids[0]}/Timeline`);
  expect(told.timeline.at(-1)).toMatchObject({
    kind: "held",
    remedy: expect.stringContaining("longwave held release"),
  });
});

test("another account sees and decides nothing of it", async () => {
  const { json: other } = await started.call("/2010-04-01/Accounts.json", { form: {} });
  const as = { sid: other.sid, token: other.auth_token };
  expect((await started.call("/longwave/v1/Held", { as })).json.held).toEqual([]);
  const body = JSON.stringify({ sids });
  for (const verb of ["Release", "Expire"]) {
    const answer = await started.call(`/longwave/v1/Held/${verb}`, { as, body, headers: json });
    expect(answer.json).toEqual({ decided: 0, is_more: false });
  }
});

test("what is released is sent once, what is expired fails with 30036", async () => {
  const [released = "", expired = ""] = sids;
  expect(await longwave("held", "release", released)).toEqual({
    code: 0,
    says: "1 message released.\n",
  });
  await expect.poll(() => statusOf(released)).toBe("delivered");
  expect(started.app.simulator?.shown(phones[0] ?? "")).toHaveLength(1);
  expect((await longwave("held", "release", released)).code).toBe(1);
  expect(await longwave("held", "expire", expired)).toEqual({
    code: 0,
    says: "1 message expired.\n",
  });
  const { json: message } = await started.call(`${started.home}/Messages/${expired}.json`);
  expect(message).toMatchObject({ status: "failed", error_code: 30036 });
  expect((await longwave("held", "expire", "--all")).says).toBe("1 message expired.\n");
  expect((await longwave("held")).says).toBe("");
  expect(started.app.simulator?.shown(phones[1] ?? "")).toEqual([]);
});

test("a lane's depth is what its queue holds, after all of it", async () => {
  const rows = await started.database.sql`
    select accepted - departed as depth
    from lanes
    join lane_departures using (shard, lane)
    where accepted <> departed
  `;
  expect(rows).toEqual([]);
});

test("a database that stays where it is holds nothing", async () => {
  await started.app.close();
  const form = { To: phones[0] ?? "", From: from, Body: "Again" };
  started = await startTestApp(started.database);
  expect(started.app.heldCount).toBe(0);
  const { json: sent } = await started.call(`${started.home}/Messages.json`, { form });
  await expect.poll(() => statusOf(sent.sid)).toBe("delivered");
});

test("a database that was written with another secret key is refused, with the remedy", async () => {
  const { address } = started.database;
  const config = readConfig({ LONGWAVE_SECRET_KEY: "08".repeat(32), LONGWAVE_SIMULATOR: "off" });
  const report = (error: unknown) => expect(error).toBeUndefined();
  const starting = startApp({ config, address, clock, version: "0.0.0", report });
  await expect(starting).rejects.toThrow(/another secret key.*LONGWAVE_SECRET_KEY/);
});

test("a snapshot is known as a backup once `longwave restored` has said so", async () => {
  await enable(started, false);
  const form = { To: phones[1] ?? "", From: from, Body: "Waits" };
  const { json: waiting } = await started.call(`${started.home}/Messages.json`, { form });
  await started.app.close();
  const { database } = started;
  const env = { DATABASE_URL: urlOf(database.address), LONGWAVE_SECRET_KEY: secretKey };
  let says = "";
  const out = { write: (text: string) => (says += text) };
  expect(await restoredCommand.run([], { out, err: out, env, fetch })).toBe(0);
  expect(says).toContain("everything that waits is held");
  started = await startTestApp(database);
  expect(started.app.heldCount).toBe(1);
  const { json: told } = await started.call(`/longwave/v1/Messages/${waiting.sid}/Timeline`);
  expect(told.timeline.at(-1)).toMatchObject({ kind: "held" });
});

function urlOf(address: DatabaseAddress): string {
  if (address.kind === "url") return address.directUrl ?? address.url;
  return `postgres://longwave@${encodeURIComponent(address.folder)}/${address.database}`;
}
