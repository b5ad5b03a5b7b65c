import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestMessaging, type TestMessaging } from "../../test/messaging.ts";
import { systemClock } from "../lib/clock.ts";
import type { DayLimit } from "../throughput/day-limits.ts";
import { shardOfPool } from "./decide-message.ts";
import { laneLimit } from "./lane-status.ts";
import { findLane } from "./lane-store.ts";

let messaging: TestMessaging;
beforeAll(async () => {
  messaging = await startTestMessaging();
});
afterAll(() => messaging.close());

const limit = (of: string, segmentsPerDay: number): DayLimit => ({
  ...({ kind: "brand day", setBy: "the operator" } as const),
  ...{ of, segmentsPerDay, zone: middayZone() },
});
/** One in which no midnight comes while the test runs. */
const middayZone = () => {
  const hour = systemClock().getUTCHours();
  return hour < 6 || hour > 18 ? "Etc/GMT-12" : "Etc/UTC";
};
const leftFrom = (from: string) =>
  messaging.carrier.submitted.filter(({ sender }) => sender === from).length;
const usedOf = async (of: string) => {
  const [row] = await messaging.database.sql<{ used: number }[]>`
    select sum(used)::int as used from day_shares where key = ${`brand day ${of}`}
  `;
  return row?.used;
};
const limitOf = async (sender: string) => {
  const { account, database } = messaging;
  const shard = shardOfPool(account, sender);
  const lane = await findLane(database.sql, { account, pool: sender, sender, shard });
  return lane && laneLimit(lane, true);
};

test("lanes of one brand send its day's segments and no more, and say what they wait for", async () => {
  messaging.route.dayLimits = [limit("B1", 8)];
  const from = ["+12025550001", "+12025550002"] as const;
  for (let text = 0; text < 6; text += 1) {
    await Promise.all(from.map((sender) => messaging.accept(sender)));
  }
  await expect.poll(() => leftFrom(from[0]) + leftFrom(from[1]), { timeout: 30_000 }).toBe(8);
  const waitsFor = async () => (await Promise.all(from.map(limitOf))).find((one) => one);
  await expect.poll(waitsFor, { timeout: 30_000 }).toMatchObject({
    ...{ name: "brand day", setBy: "the operator" },
    words: expect.stringMatching(/^The brand B1 has sent the 8 segments/),
  });
  expect(leftFrom(from[0]) + leftFrom(from[1])).toBe(8);
  expect(await usedOf("B1")).toBe(8);
  messaging.route.dayLimits = [limit("B1", 12)];
  await expect.poll(() => leftFrom(from[0]) + leftFrom(from[1]), { timeout: 30_000 }).toBe(12);
  expect((await messaging.depths()).every(({ counted, rows }) => counted === rows)).toBe(true);
});

test("a text that the carrier refuses for certain takes nothing of the day, a doubtful one does", async () => {
  messaging.route.dayLimits = [limit("B2", 50)];
  const answers = [
    { kind: "refused", errorCode: 30005, carrierCode: "0x0b" },
    { kind: "unknown", carrierCode: "timeout" },
  ] as const;
  let asked = 0;
  messaging.carrier.answer = ({ id, part }) =>
    answers[asked++] ?? { kind: "accepted", carrierMessageId: `${id}-${part}` };
  const refused = await messaging.accept("+12025550003");
  await messaging.becomes(refused, "failed");
  await expect.poll(() => usedOf("B2"), { timeout: 30_000 }).toBe(0);
  const doubtful = await messaging.accept("+12025550003");
  await messaging.becomes(doubtful, "sent");
  expect(await usedOf("B2")).toBe(1);
  await messaging.accept("+12025550003", { body: "x".repeat(200) });
  await expect.poll(() => usedOf("B2"), { timeout: 30_000 }).toBe(3);
});
