import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

let started: StartedApp;

beforeAll(async () => {
  started = await startTestApp();
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const clientOf = ({ sid, token }: { sid: string; token: string }) =>
  createLongwaveClient({ baseUrl: started.app.url, accountSid: sid, authToken: token });

test("what was sent and received is in the usage of the day, by category", async () => {
  const client = clientOf(started.app.firstAccount);
  const prices = [{ connector: "simulator", country: "US", price: "0.0079" }];
  await started.call("/longwave/v1/Prices", {
    ...{ method: "POST", body: JSON.stringify({ prices }) },
    headers: { "content-type": "application/json" },
  });
  const from = "+15005550100";
  await client.messages.create({ to: "+12025550123", from, body: "Hello" });
  await client.messages.create({ to: "+12025550124", from, body: "x".repeat(161) });
  started.app.simulator?.inject({ from: "+12025550125", to: from, body: "Hi" });
  const today = async () => {
    const records = await client.usage.records.today.list();
    return Object.fromEntries(
      records.map(({ category, count, usage, price }) => [
        category,
        { count, usage, price: Number(price) },
      ]),
    );
  };
  const sent = { count: "2", usage: "3", price: 0.0237 };
  const received = { count: "1", usage: "1", price: 0 };
  const none = { count: "0", usage: "0", price: 0 };
  await expect.poll(today).toEqual({
    sms: { count: "3", usage: "4", price: 0.0237 },
    ...{ "sms-outbound": sent, "sms-outbound-longcode": sent, "sms-outbound-shortcode": none },
    ...{ "sms-inbound": received, "sms-inbound-longcode": received },
    ...{ "sms-inbound-shortcode": none },
    totalprice: { count: null, usage: "0.023700", price: 0.0237 },
  });
  const whole = await client.usage.records.list({ category: "sms" });
  expect(whole).toMatchObject([{ count: "3", countUnit: "messages", usageUnit: "segments" }]);
  const [daily] = await client.usage.records.daily.list({ category: "sms", limit: 1 });
  expect(daily).toMatchObject({ count: "3", startDate: whole[0]?.endDate });
  expect(await client.usage.records.list({ category: "calls" as "sms" })).toEqual([]);
});

test("usage of a subaccount counts in its parent's unless asked without, and not the reverse", async () => {
  const client = clientOf(started.app.firstAccount);
  const { sid, authToken } = await client.api.v2010.accounts.create({ friendlyName: "Branch" });
  const [row] = await started.database.sql<{ account: number }[]>`
    select account from accounts where sid = ${sid}
  `;
  await started.database.sql`
    insert into usage_days (account, day, direction, sender, messages, segments, price_micros)
    values (${row?.account ?? 0}, current_date, 'inbound', 'shortcode', 5, 6, 0)
  `;
  const category = "sms-inbound-shortcode";
  const countOf = async (of: typeof client, includeSubaccounts: boolean) =>
    (await of.usage.records.list({ category, includeSubaccounts }))[0]?.count;
  expect(await countOf(client, true)).toBe("5");
  expect(await countOf(client, false)).toBe("0");
  const branch = clientOf({ sid, token: authToken });
  expect(await countOf(branch, true)).toBe("5");
  const foreign = await started.call(`${started.home}/Usage/Records.json`, {
    as: { sid, token: authToken },
  });
  expect([foreign.status, foreign.json.code]).toEqual([401, 20003]);
});

test("pages of usage follow each other, each record once", async () => {
  const client = clientOf(started.app.firstAccount);
  const all = await client.usage.records.list();
  const paged = await client.usage.records.list({ pageSize: 3 });
  expect(all).toHaveLength(8);
  expect(paged.map(({ category }) => category)).toEqual(all.map(({ category }) => category));
});

test.each(["yesterday", "2026-02-30", "-1000000days"])(
  "a StartDate of %s is refused",
  async (date) => {
    const path = `${started.home}/Usage/Records.json?StartDate=${date}`;
    const { status, json } = await started.call(path);
    expect([status, json.code]).toEqual([400, 20001]);
  },
);
