import { afterAll, beforeAll, expect, test } from "vitest";
import { type StartedApp, startTestApp } from "../compat/started-app.ts";

const json = (body: object) => ({
  body: JSON.stringify(body),
  headers: { "content-type": "application/json" },
});

let started: StartedApp;
beforeAll(async () => {
  started = await startTestApp();
});
afterAll(() => started.close());

test("an account chooses what becomes of doubts and what goes first, and no other account's changes", async () => {
  const path = "/longwave/v1/Settings";
  const { json: first } = await started.call(path);
  expect(first).toEqual({ when_unknown: "resend", default_priority: 2 });
  const { json: made } = await started.call("/2010-04-01/Accounts.json", {
    form: { FriendlyName: "Other" },
  });
  const as = { sid: made.sid, token: made.auth_token };
  const changed = await started.call(path, { ...json({ default_priority: 0 }), as });
  expect(changed.json).toEqual({ when_unknown: "resend", default_priority: 0 });
  await started.call(path, { ...json({ when_unknown: "hold" }), as });
  const { json: after } = await started.call(path, { as });
  expect(after).toEqual({ when_unknown: "hold", default_priority: 0 });
  expect((await started.call(path)).json).toEqual(first);
});

test.each([{ default_priority: 4 }, { default_priority: "first" }, { when_unknown: "guess" }])(
  "the setting %j is refused",
  async (settings) => {
    const { status } = await started.call("/longwave/v1/Settings", json(settings));
    expect(status).toBe(400);
  },
);
