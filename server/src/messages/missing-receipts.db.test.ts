import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestMessaging, type TestMessaging } from "../../test/messaging.ts";
import { createEventWriter } from "../events/log.ts";
import { HOUR, systemClock } from "../lib/clock.ts";
import { endUnreceipted } from "./missing-receipts.ts";
import { messageTimeline } from "./timeline.ts";

let messaging: TestMessaging;

beforeAll(async () => {
  messaging = await startTestMessaging();
});
afterAll(() => messaging.close());

test("a message without a receipt stays sent until its hours are over, and then says why", async () => {
  const { sql } = messaging.database;
  const writer = createEventWriter({ sql, owner: "test" });
  const after = (hours: number) => () => new Date(systemClock().getTime() + hours * HOUR);
  const sent = await messaging.accept("+12025550100");
  await messaging.becomes(sent, "sent");
  expect(await endUnreceipted({ sql, writer, clock: after(71) }, 72)).toBe(0);
  expect((await messaging.find(sent))?.status).toBe("sent");
  expect(await endUnreceipted({ sql, writer, clock: after(73) }, 72)).toBe(1);
  const ended = await messaging.find(sent);
  expect(ended).toMatchObject({ status: "undelivered", errorCode: 30008 });
  if (ended === undefined) return;
  const told = await messageTimeline({ sql, clock: systemClock }, ended);
  expect(told.at(-1)).toMatchObject({
    ...{ kind: "undelivered", words: expect.stringMatching(/no receipt/) },
    rule: expect.stringMatching(/LONGWAVE_RECEIPT_HOURS/),
  });
  expect(await endUnreceipted({ sql, writer, clock: after(73) }, 72)).toBe(0);
  await writer.close();
});
