import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../../src/cli/cli.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const from = "+15005550100";
const phone = "+12025550181";
const other = "+12025550182";
let started: StartedApp;
let sid = "";

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started.close();
  expect(started.bugs).toEqual([]);
});

async function deliver(to: string, body: string): Promise<string> {
  const form = { To: to, From: from, Body: body };
  const headers = { "idempotency-key": `to-${to.slice(1)}` };
  const { json } = await started.call(`${started.home}/Messages.json`, { form, headers });
  const status = async () =>
    (await started.call(`${started.home}/Messages/${json.sid}.json`)).json.status;
  await expect.poll(status).toBe("delivered");
  return json.sid;
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

// biome-ignore lint/suspicious/noExplicitAny: whatever a line holds
function linesOf(text: string, type: string): any[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .filter((one) => one.type === type);
}

test("an export holds the account with its numbers, opt-outs and messages, bodies when asked for", async () => {
  sid = await deliver(phone, "Secret one");
  await deliver(other, "Secret two");
  started.app.simulator?.inject({ from: phone, to: from, body: "STOP" });
  const optedOut = async () => (await started.call("/longwave/v1/OptOuts")).json.opt_outs.length;
  await expect.poll(optedOut).toBe(1);
  await started.call("/v1/Services", { form: { FriendlyName: "Shop" } });
  const plain = (await longwave("export")).says;
  expect(linesOf(plain, "account")).toMatchObject([{ sid: started.app.firstAccount.sid }]);
  expect(linesOf(plain, "number")).toContainEqual(expect.objectContaining({ number: from }));
  expect(linesOf(plain, "service")).toMatchObject([
    { friendly_name: "Shop", sticky_sender: true, keyword_sets: [], senders: [] },
  ]);
  expect(linesOf(plain, "opt_out")).toMatchObject([{ pool: from, recipient: phone }]);
  expect(linesOf(plain, "message")).toContainEqual(
    expect.objectContaining({ sid, to: phone, status: "delivered" }),
  );
  expect(plain).not.toContain("Secret");
  const bodies = (await longwave("export", "--bodies")).says;
  expect(linesOf(bodies, "message").map(({ body }) => body)).toContain("Secret two");
});

test("an export of one phone holds what went there and came from there, and nothing else", async () => {
  const { says } = await longwave("export", "--phone", phone);
  const bodies = linesOf(says, "message").map(({ body }) => body);
  expect(bodies).toEqual(expect.arrayContaining(["Secret one", "STOP"]));
  expect(says).not.toContain(other);
});

test("another account exports and erases nothing of it", async () => {
  const { json } = await started.call("/2010-04-01/Accounts.json", { form: {} });
  const as = { sid: json.sid, token: json.auth_token };
  const told = await started.call(`/longwave/v1/Phones/${phone}/Export`, { as });
  expect([told.status, told.text]).toEqual([200, ""]);
  const path = `/longwave/v1/Phones/${phone}/Erase`;
  const erased = await started.call(path, { method: "POST", as });
  expect(erased.json).toMatchObject({ erased: 0, is_complete: true });
});

test("after an erasure neither number nor body is anywhere but in the opt-out", async () => {
  const { code, says } = await longwave("erase", phone, "--yes");
  expect([code, says]).toEqual([0, expect.stringContaining("0 under way still, 1 opt-outs kept.")]);
  const { json: message } = await started.call(`${started.home}/Messages/${sid}.json`);
  expect(message).toMatchObject({ to: "erased", body: "", status: "delivered" });
  const { sql } = started.database;
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'opt_outs%'
  `;
  for (const { name } of tables) {
    const rows = await sql`
      select from ${sql(name)} as any_table
      where any_table::text like ${`%${phone}%`} or any_table::text like '%Secret one%'
    `;
    expect([name, rows.length]).toEqual([name, 0]);
  }
  const { json: kept } = await started.call("/longwave/v1/OptOuts");
  expect(kept.opt_outs).toMatchObject([{ recipient: phone }]);
  const untouched = (await longwave("export", "--phone", other)).says;
  expect(linesOf(untouched, "message")).toMatchObject([{ to: other, body: "Secret two" }]);
});

test("a message under way is not erased, and an own sender never is", async () => {
  const form = { To: "+12025559909", From: from, Body: "On its way" };
  const body = JSON.stringify({ is_enabled: false });
  const headers = { "content-type": "application/json" };
  await started.call("/longwave/v1/Connectors/simulator", { body, headers });
  const phase = async () =>
    (await started.call("/longwave/v1/Connectors")).json.connectors[0].state.phase;
  await expect.poll(phase).toBe("stopped");
  await started.call(`${started.home}/Messages.json`, { form });
  expect(await longwave("erase", form.To, "--yes")).toEqual({
    ...{ code: 1, says: "0 messages erased, 1 under way still, 0 opt-outs kept.\n" },
  });
  expect((await longwave("erase", from, "--yes")).says).toContain("is a sender of this account");
  expect((await longwave("erase", phone)).code).toBe(2);
});
