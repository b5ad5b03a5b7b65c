import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestMessaging, type TestMessaging } from "../../test/messaging.ts";
import { allowed } from "../compliance/verdict.ts";
import { createEventWriter } from "../events/log.ts";
import { SECOND } from "../lib/clock.ts";
import { cancelMessage } from "./change.ts";
import { messageTimeline } from "./timeline.ts";

let messaging: TestMessaging;
const clock = () => new Date();
const untilQuietEnds = (ms: number) => ({
  ...({ kind: "later", why: "quiet hours" } as const),
  notBefore: new Date(Date.now() + ms),
});

beforeAll(async () => {
  messaging = await startTestMessaging();
});
afterAll(() => messaging.close());
beforeEach(() => {
  messaging.rules.judge = () => allowed;
});

const isIn = async (table: "queue" | "later", id: bigint) => {
  const { sql } = messaging.database;
  return (await sql`select from ${sql(table)} where id = ${String(id)}::bigint`).length === 1;
};

test("a rule that refuses when a message is claimed fails it, and nothing leaves", async () => {
  messaging.rules.judge = () => ({ kind: "refused", errorCode: 21408 });
  const message = await messaging.accept("+12025550001");
  await messaging.becomes(message, "failed");
  expect((await messaging.find(message))?.errorCode).toBe(21408);
  expect(messaging.carrier.submitted.some(({ id }) => id === message.id)).toBe(false);
});

test("a message that is to leave later lets its lane go on, and leaves when its instant has come", async () => {
  let deferred = 0n;
  messaging.rules.judge = ({ claim }) => {
    if (deferred !== 0n) return allowed;
    deferred = claim.id;
    return untilQuietEnds(3_600 * SECOND);
  };
  const first = await messaging.accept("+12025550002");
  const second = await messaging.accept("+12025550002");
  await messaging.becomes(second, "sent");
  expect(await isIn("later", first.id)).toBe(true);
  expect((await messaging.find(first))?.status).toBe("queued");
  expect((await messaging.depths()).every(({ counted, rows }) => counted === rows)).toBe(true);
  // Its instant comes: the next sweep finds it.
  const { sql } = messaging.database;
  await sql`update later set due_at = now() where id = ${String(first.id)}::bigint`;
  await messaging.becomes(first, "sent");
  const left = messaging.carrier.submitted.filter(({ sender }) => sender === "+12025550002");
  expect(left.map(({ id }) => id)).toEqual([second.id, first.id]);
  expect((await messaging.depths()).every(({ counted, rows }) => counted === 0 && rows === 0)).toBe(
    true,
  );
});

test("a message that waits for its instant fails with 30036 when its validity ends before", async () => {
  messaging.rules.judge = () => untilQuietEnds(3_600 * SECOND);
  const message = await messaging.accept("+12025550003", { validityS: 2 });
  await messaging.becomes(message, "failed");
  expect((await messaging.find(message))?.errorCode).toBe(30036);
});

test("a message that waits for its instant can be canceled, and counts no more", async () => {
  messaging.rules.judge = () => untilQuietEnds(3_600 * SECOND);
  const message = await messaging.accept("+12025550004");
  await expect.poll(() => isIn("later", message.id)).toBe(true);
  const { sql } = messaging.database;
  const app = { sql, clock, changes: createEventWriter({ sql, owner: "t" }) };
  expect((await cancelMessage(app, message)).status).toBe("canceled");
  expect(await isIn("later", message.id)).toBe(false);
  expect((await messaging.depths()).every(({ counted }) => counted === 0)).toBe(true);
});

test("the timeline of a message that waits names the rule and the instant", async () => {
  messaging.rules.judge = () => untilQuietEnds(3_600 * SECOND);
  const message = await messaging.accept("+12025550005");
  await expect.poll(() => isIn("later", message.id)).toBe(true);
  const timeline = await messageTimeline({ ...messaging.database, clock }, message);
  const kinds = timeline.map(({ kind, words }) => [kind, words.split(",")[0]]);
  const words = "Waits for the end of the recipient's quiet hours";
  expect(kinds.slice(1)).toEqual([
    ["deferred", words],
    ["waiting", words],
  ]);
});

test("a message that waits for its schedule is scheduled", async () => {
  messaging.rules.judge = () => untilQuietEnds(3_600 * SECOND);
  const message = await messaging.accept("+12025550006");
  await expect.poll(() => isIn("later", message.id)).toBe(true);
  await messaging.database.sql`
    update later set why = 'schedule' where id = ${String(message.id)}::bigint
  `;
  expect((await messaging.find(message))?.status).toBe("scheduled");
});
