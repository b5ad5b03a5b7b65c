import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import twilio from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { fireTriggers } from "../../src/usage/trigger-store.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

type Call = { form: Record<string, string>; signature: string };

let started: StartedApp;
let receiver: Server;
let callbackUrl: string;
let client: ReturnType<typeof createLongwaveClient>;
const calls: Call[] = [];

beforeAll(async () => {
  started = await startTestApp();
  const { sid, token } = started.app.firstAccount;
  client = createLongwaveClient({
    ...{ baseUrl: started.app.url, accountSid: sid, authToken: token },
  });
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    calls.push({
      form: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
      signature: String(request.headers["x-twilio-signature"]),
    });
    response.end();
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
  callbackUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/used`;
});
afterAll(async () => {
  await started?.close();
  receiver?.close();
  expect(started.bugs).toEqual([]);
});

const callsOf = (sid: string) => calls.filter(({ form }) => form.UsageTriggerSid === sid);

/** As if texts had been counted; the day before when `back` is 1. */
async function use(messages: number, back = 0): Promise<void> {
  await started.database.sql`
    insert into usage_days (account, day, direction, sender, messages, segments, price_micros)
    select account, (now() at time zone 'UTC')::date - ${back}::int, 'inbound', 'shortcode',
      ${messages}, ${messages}, 0
    from accounts
    where sid = ${started.app.firstAccount.sid}
    on conflict (account, day, direction, sender) do update
    set messages = usage_days.messages + excluded.messages,
      segments = usage_days.segments + excluded.segments
  `;
}
const received = { usageCategory: "sms-inbound-shortcode", triggerBy: "count" } as const;

test("a trigger calls once, signed, when texts reach its value", async () => {
  const trigger = await client.usage.triggers.create({
    ...{ usageCategory: "sms-outbound", triggerValue: "2", triggerBy: "count", callbackUrl },
    friendlyName: "Two",
  });
  expect(trigger).toMatchObject({ currentValue: "0", triggerValue: "2", recurring: null });
  const [from, to] = ["+15005550100", "+12025550123"];
  await client.messages.create({ to, from, body: "One" });
  await client.messages.create({ to, from, body: "Two" });
  await expect.poll(() => callsOf(trigger.sid).length).toBe(1);
  const [call] = callsOf(trigger.sid);
  const { sid, token } = started.app.firstAccount;
  expect(call?.form).toMatchObject({
    ...{ AccountSid: sid, UsageTriggerSid: trigger.sid, UsageCategory: "sms-outbound" },
    ...{ TriggerBy: "count", TriggerValue: "2", CurrentValue: "2" },
  });
  expect(twilio.validateRequest(token, call?.signature ?? "", callbackUrl, call?.form ?? {})).toBe(
    true,
  );
  expect((await client.usage.triggers(trigger.sid).fetch()).dateFired).toBeInstanceOf(Date);
  const { sql } = started.database;
  await Promise.all([fireTriggers(sql), fireTriggers(sql)]);
  await expect.poll(() => sql`select from retries where kind = 'usage'`).toHaveLength(0);
  expect(callsOf(trigger.sid)).toHaveLength(1);
});

test("a daily trigger looks at its day alone, and fires again on the next", async () => {
  const { sql } = started.database;
  await use(100, 1);
  const value = { triggerValue: "10", recurring: "daily", callbackUrl } as const;
  const trigger = await client.usage.triggers.create({ ...received, ...value });
  expect(trigger.currentValue).toBe("0");
  await fireTriggers(sql);
  expect((await client.usage.triggers(trigger.sid).fetch()).dateFired).toBeNull();
  await use(10);
  await fireTriggers(sql);
  await expect.poll(() => callsOf(trigger.sid).length).toBe(1);
  await sql`
    update usage_triggers
    set fired_at = fired_at - interval '1 day'
    where sid = ${trigger.sid}
  `;
  await fireTriggers(sql);
  await expect.poll(() => callsOf(trigger.sid).length).toBe(2);
});

test("a value with a plus is upon what is used now", async () => {
  const value = { triggerValue: "+30", callbackUrl };
  const trigger = await client.usage.triggers.create({ ...received, ...value });
  expect(trigger.triggerValue).toBe(String(Number(trigger.currentValue) + 30));
});

test("a trigger is changed, listed by what it watches, and deleted", async () => {
  const watched = { usageCategory: "totalprice", triggerBy: "price" } as const;
  const { sid } = await client.usage.triggers.create({
    ...{ ...watched, triggerValue: "0.25", recurring: "yearly", callbackUrl },
  });
  const changed = await client.usage
    .triggers(sid)
    .update({ friendlyName: "Budget", callbackMethod: "GET" });
  expect(changed).toMatchObject({ friendlyName: "Budget", callbackMethod: "GET", callbackUrl });
  const listed = await client.usage.triggers.list({ ...watched, recurring: "yearly" });
  expect(listed.map((one) => one.sid)).toEqual([sid]);
  await client.usage.triggers(sid).remove();
  expect(await client.usage.triggers.list(watched)).toEqual([]);
});

test("an account has at most 100 triggers, however many are made at once", async () => {
  const other = await client.api.v2010.accounts.create({ friendlyName: "Many" });
  const as = { sid: other.sid, token: other.authToken };
  const make = () =>
    started.call(`/2010-04-01/Accounts/${other.sid}/Usage/Triggers.json`, {
      form: { UsageCategory: "sms", TriggerValue: "5", CallbackUrl: callbackUrl },
      as,
    });
  const answers = await Promise.all(Array.from({ length: 105 }, make));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(100);
  expect(answers.filter(({ json }) => json.code === 20001)).toHaveLength(5);
});

test("a trigger is not found by another account", async () => {
  const { sid } = await client.usage.triggers.create({
    ...{ ...received, triggerValue: "1000000", callbackUrl },
  });
  const other = await client.api.v2010.accounts.create({ friendlyName: "Other" });
  const as = { sid: other.sid, token: other.authToken };
  const path = `/2010-04-01/Accounts/${other.sid}/Usage/Triggers`;
  for (const asked of [{}, { form: { FriendlyName: "X" } }, { method: "DELETE" }]) {
    expect((await started.call(`${path}/${sid}.json`, { ...asked, as })).status).toBe(404);
  }
  expect((await started.call(`${path}.json`, { as })).json.usage_triggers).toEqual([]);
});

const whole = { UsageCategory: "sms", TriggerValue: "5", CallbackUrl: "https://example.com/" };
test.each<[string, Partial<typeof whole> & { Recurring?: string }]>([
  ["a category that is not here", { UsageCategory: "calls" }],
  ["a value of nothing", { TriggerValue: "0" }],
  ["a value below nothing", { TriggerValue: "-5" }],
  ["no value", { TriggerValue: "" }],
  ["no URL", { CallbackUrl: "" }],
  ["an unknown recurrence", { Recurring: "hourly" }],
])("a trigger with %s is refused", async (_name, wrong) => {
  const form = { ...whole, ...wrong };
  const { status, json } = await started.call(`${started.home}/Usage/Triggers.json`, { form });
  expect([status, json.code]).toEqual([400, 20001]);
});
