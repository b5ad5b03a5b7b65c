import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestMessaging, type TestMessaging } from "../../test/messaging.ts";
import type { SubmitResult } from "../connectors/connector.ts";
import { messageTimeline } from "./timeline.ts";

let messaging: TestMessaging;
const accepted: SubmitResult = { kind: "accepted", carrierMessageId: "1" };

beforeAll(async () => {
  messaging = await startTestMessaging();
});
afterAll(() => messaging.close());
beforeEach(() => {
  messaging.carrier.answer = () => accepted;
});

/** The carrier's answers to the first submissions from a sender; the others are accepted. */
function answerFirst(sender: string, answers: readonly SubmitResult[]): number[] {
  const instants: number[] = [];
  messaging.carrier.answer = (submission) => {
    if (submission.sender !== sender) return accepted;
    instants.push(performance.now());
    return answers[instants.length - 1] ?? accepted;
  };
  return instants;
}

test("a text that met a passing error comes again later, and its lane goes on meanwhile", async () => {
  answerFirst("+12025550001", [{ kind: "temporary", carrierCode: "0x00000064" }]);
  const first = await messaging.accept("+12025550001");
  const second = await messaging.accept("+12025550001");
  await messaging.becomes(second, "sent");
  await messaging.becomes(first, "queued");
  expect((await messaging.depths()).every(({ counted, rows }) => counted === rows)).toBe(true);
  const clock = () => new Date();
  const timeline = await messageTimeline({ ...messaging.database, clock }, first);
  expect(timeline.map(({ kind }) => kind)).toEqual([
    "accepted",
    "submitted",
    "deferred",
    "waiting",
  ]);
  await messaging.becomes(first, "sent");
  const left = messaging.carrier.submitted.filter(({ id }) => id === first.id);
  expect(left.map(({ attempt }) => attempt)).toEqual([1, 2]);
  const rows = await messaging.database.sql`
    select attempt, answer from submissions where id = ${String(first.id)}::bigint order by attempt
  `;
  expect(rows.map(({ answer }) => answer)).toEqual(["temporary", "accepted"]);
});

test("a full queue at the carrier pauses its lane, each time for longer, and no other", async () => {
  const full: SubmitResult = { kind: "queueFull", carrierCode: "0x00000014" };
  const instants = answerFirst("+12025550002", [full, full]);
  const message = await messaging.accept("+12025550002");
  await expect.poll(() => instants.length, { interval: 5 }).toBe(1);
  await messaging.becomes(await messaging.accept("+12025550003"), "sent");
  await messaging.becomes(message, "sent");
  const [first = 0, second = 0, third = 0] = instants;
  expect(second - first).toBeGreaterThanOrEqual(1_000);
  expect(third - second).toBeGreaterThanOrEqual(2_000);
});

test("claims that are fenced off for a moment are passed by nothing that stood behind them", async () => {
  const { sql } = messaging.database;
  const sender = "+12025550021";
  await messaging.acceptBulk(Array.from({ length: 1_000 }, () => messaging.text(sender)));
  const leftOf = () => messaging.carrier.submitted.filter((one) => one.sender === sender);
  await expect.poll(() => leftOf().length, { interval: 1 }).toBeGreaterThan(5);
  for (let times = 0; times < 10; times += 1) {
    await sql`update shards set epoch = epoch + 1000`;
    await sql`update shards set epoch = epoch - 1000`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await expect.poll(() => leftOf().length).toBe(1_000);
  const ids = leftOf().map(({ id }) => id);
  expect(ids).toEqual(ids.toSorted((a, b) => (a < b ? -1 : 1)));
});

test("a carrier that throttles is sent less, and the text keeps its place", async () => {
  const throttled: SubmitResult = {
    kind: "throttled",
    retryAfterMs: 50,
    carrierCode: "0x00000058",
  };
  answerFirst(
    "+12025550004",
    Array.from({ length: 3 }, () => throttled),
  );
  const texts = Array.from({ length: 30 }, () => messaging.text("+12025550004"));
  const stored = await messaging.acceptBulk(texts);
  const { limiters } = messaging;
  const rate = () => limiters.throttleOf("carrier").segmentsPerSecond() ?? 0;
  await expect.poll(rate, { interval: 5 }).toBeGreaterThan(0);
  const ids = stored.flatMap((one) => (one instanceof Error ? [] : [one]));
  for (const message of ids) await messaging.becomes(message, "sent");
  const left = messaging.carrier.submitted.filter(({ sender }) => sender === "+12025550004");
  const again = left.filter(({ attempt }) => attempt === 2).map(({ id }) => id);
  expect(again).toEqual(ids.slice(0, 3).map(({ id }) => id));
});
