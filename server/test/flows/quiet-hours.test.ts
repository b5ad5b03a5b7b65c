import type { Twilio } from "twilio";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLongwaveClient } from "../../../sdk/src/client.ts";
import { DAY, HOUR, systemClock } from "../../src/lib/clock.ts";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

/** Three or four in the morning of the next day in New York, whatever the time is. */
const nightMs = 8 * HOUR;
const startedAt = systemClock().getTime();
const shiftMs = (nightMs - (startedAt % DAY) + DAY) % DAY;
const newYork = "+12125550123";
let started: StartedApp;
let client: Twilio;

beforeAll(async () => {
  const clock = () => new Date(systemClock().getTime() + shiftMs);
  started = await startTestApp(undefined, { clock });
  const { sid, token } = started.app.firstAccount;
  client = createLongwaveClient({ baseUrl: started.app.url, accountSid: sid, authToken: token });
});
afterAll(async () => {
  await started?.close();
  expect(started.bugs).toEqual([]);
});

const send = (messageIntent: "marketing" | "otp", validityPeriod = 36_000) =>
  client.messages.create({
    ...{ to: newYork, from: "+15005550100", body: "Hello", messageIntent, validityPeriod },
  });
const timelineOf = async (sid: string) =>
  JSON.stringify((await started.call(`/longwave/v1/Messages/${sid}/Timeline`)).json);
const setMode = (mode: string) =>
  started.call("/longwave/v1/QuietHours", {
    ...{ method: "POST", body: JSON.stringify({ mode }) },
    headers: { "content-type": "application/json" },
  });

test("a marketing text in the recipient's night waits, and says so; a code leaves", async () => {
  const waiting = await send("marketing");
  const code = await send("otp");
  await expect
    .poll(async () => (await client.messages(code.sid).fetch()).status)
    .toMatch(/sent|delivered/);
  await expect.poll(() => timelineOf(waiting.sid)).toMatch(/quiet hours/);
  expect((await client.messages(waiting.sid).fetch()).status).toBe("queued");
  const canceled = await client.messages(waiting.sid).update({ status: "canceled" });
  expect(canceled.status).toBe("canceled");
});

test("a marketing text that would be over before the morning is refused", async () => {
  await expect(send("marketing", 3_600)).rejects.toMatchObject({ status: 400, code: 30047 });
});

test("an account may have marketing texts refused in quiet hours", async () => {
  await setMode("refuse");
  await expect(send("marketing")).rejects.toMatchObject({ status: 400, code: 30610 });
  expect((await send("otp")).status).toBe("queued");
  await setMode("defer");
});
