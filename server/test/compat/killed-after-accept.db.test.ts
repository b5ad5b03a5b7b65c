import { afterAll, beforeAll, expect, test } from "vitest";
import { type StartedApp, startTestApp } from "./started-app.ts";

let started: StartedApp;
beforeAll(async () => {
  started = await startTestApp();
});
afterAll(() => started.close());

const from = "+15005550100";
/** As the key stands when its process was killed after the accept, a minute ago. */
const killBeforeAnswer = (key: string) => started.database.sql`
  update idempotency_keys
  set response_status = null, response_body = null, taken_at = now() - interval '61 seconds'
  where key = ${key}
`;
const countTo = async (to: string) =>
  (await started.database.sql`select from messages where recipient = ${to}`).length;

test("a text whose process was killed between accept and answer is answered, not sent again", async () => {
  const to = "+12025550141";
  const asked = { form: { To: to, From: from, Body: "Paid" }, headers: { "idempotency-key": "a" } };
  const path = `${started.home}/Messages.json`;
  const first = await started.call(path, asked);
  await killBeforeAnswer("a");
  const second = await started.call(path, asked);
  expect([first.status, second.status, await countTo(to)]).toEqual([201, 201, 1]);
  expect(second.json.sid).toBe(first.json.sid);
  expect((await started.call(path, asked)).text).toBe(second.text);
});

test("a bulk whose process was killed in its middle is ended, each text once", async () => {
  const texts = ["+12025550142", "+12025550143", "+12025550144"];
  const messages = texts.map((to) => ({ To: to, From: from, Body: "Paid" }));
  const headers = { "idempotency-key": "b", "content-type": "application/json" };
  const path = "/longwave/v1/Messages/Bulk";
  const first = await started.call(path, { body: JSON.stringify({ messages }), headers });
  await killBeforeAnswer("b");
  const second = await started.call(path, { body: JSON.stringify({ messages }), headers });
  const sidsOf = ({ json }: typeof first) => json.messages.map((one: { sid: string }) => one.sid);
  expect(second.json).toMatchObject({ accepted: 3, refused: 0 });
  expect(sidsOf(second)).toEqual(sidsOf(first));
  expect(await Promise.all(texts.map(countTo))).toEqual([1, 1, 1]);
});
