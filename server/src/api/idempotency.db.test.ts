import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { ApiError } from "../lib/errors.ts";
import { createIdWriter, idAfter } from "../lib/message-id.ts";
import { ABANDONED_AFTER_MS, answerOnce, KEY_LIFE_MS, type Reservation } from "./idempotency.ts";

let database: TestDatabase;
let now = Date.UTC(2026, 10, 24);
const clock = () => new Date(now);
const newId = createIdWriter(1, () => now);
const reservations: (Reservation | undefined)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

type Run = Parameters<typeof answerOnce>[2];
const reportBug = (error: unknown) => {
  throw error;
};
const ask = (key: string, run: Run, changes: { request?: string; messages?: number } = {}) =>
  answerOnce(
    { sql: database.sql, clock, newId, reportBug },
    { ...{ account: 1, key, request: "To=1", messages: 1 }, ...changes },
    (reserved) => {
      reservations.push(reserved);
      return run(reserved);
    },
  );
const done: Run = () => Promise.resolve({ status: 201, body: `answer ${reservations.length}` });

/** A request whose process is killed while it runs; resolves when it has begun. */
async function killDuring(key: string, messages = 1): Promise<Reservation | undefined> {
  await new Promise<void>((begun) => {
    void ask(
      key,
      () => {
        begun();
        return new Promise(() => undefined);
      },
      { messages },
    );
  });
  return reservations.at(-1);
}

const lostConnection = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
const rejecting =
  (error: Error): Run =>
  () =>
    Promise.reject(error);

test("a request under a key in flight waits for the first answer", async () => {
  let finish: (answer: { status: number; body: string }) => void = () => undefined;
  const first = ask("waits", () => new Promise((resolve) => (finish = resolve)));
  await expect.poll(() => database.sql`select from idempotency_keys`).toHaveLength(1);
  const second = ask("waits", () => Promise.reject(new Error("It ran twice.")));
  finish({ status: 201, body: "once" });
  expect(await second).toEqual(await first);
});

test("what accepts messages is run again a minute after its process died, with the same ids", async () => {
  const first = await killDuring("dies", 3);
  now += ABANDONED_AFTER_MS + 1;
  const answer = await ask("dies", done, { messages: 3 });
  expect(reservations.at(-1)).toEqual({ id: first?.id, isAgain: true });
  expect(await ask("dies", rejecting(new Error("It ran twice.")), { messages: 3 })).toEqual(answer);
});

test("another request is refused under a key whose process died, too", async () => {
  await killDuring("other");
  now += ABANDONED_AFTER_MS + 1;
  await expect(ask("other", done, { request: "To=2" })).rejects.toMatchObject({ code: 20409 });
});

test("a request that accepts no message is not run again when its process died", async () => {
  expect(await killDuring("claims", 0)).toBeUndefined();
  now += ABANDONED_AFTER_MS + 1;
  await expect(ask("claims", done, { messages: 0 })).rejects.toMatchObject({ code: 20409 });
});

test("a request refused for want of room may be sent again at once, as a new one", async () => {
  const full = new ApiError(429, 21611, "The queue is full.");
  await expect(ask("full", rejecting(full))).rejects.toBe(full);
  const refused = reservations.at(-1);
  expect((await ask("full", done)).status).toBe(201);
  expect(reservations.at(-1)?.isAgain).toBe(false);
  expect(reservations.at(-1)?.id).not.toBe(refused?.id);
});

test("a request that lost the database may be sent again at once, with the same id", async () => {
  await expect(ask("lost", rejecting(lostConnection))).rejects.toBe(lostConnection);
  const lost = reservations.at(-1);
  expect((await ask("lost", done)).status).toBe(201);
  expect(reservations.at(-1)).toEqual({ id: lost?.id, isAgain: true });
});

test("the id stays when the request run again is refused: who died may yet have stored it", async () => {
  const first = await killDuring("refused-again");
  now += ABANDONED_AFTER_MS + 1;
  const full = new ApiError(429, 21611, "The queue is full.");
  await expect(ask("refused-again", rejecting(full))).rejects.toBe(full);
  await ask("refused-again", done);
  expect(reservations.at(-1)).toEqual({ id: first?.id, isAgain: true });
});

test("a claim that lost the database is in doubt, and its key says so", async () => {
  const claim = { messages: 0 };
  await expect(ask("doubt", rejecting(lostConnection), claim)).rejects.toBe(lostConnection);
  now += ABANDONED_AFTER_MS + 1;
  await expect(ask("doubt", done, claim)).rejects.toMatchObject({ code: 20409 });
});

test("a replayed answer uses up no ids", async () => {
  const tenThousand = { messages: 10_000 };
  await ask("replayed", done, tenThousand);
  const before = newId(0);
  await ask("replayed", done, tenThousand);
  expect(idAfter(before, { index: 1, shard: 0 })).toBe(newId(0));
});

test("after its day a key is new, whatever became of its request", async () => {
  const first = await killDuring("old");
  now += KEY_LIFE_MS + 1;
  await ask("old", done, { request: "To=2" });
  expect(reservations.at(-1)?.isAgain).toBe(false);
  expect(reservations.at(-1)?.id).not.toBe(first?.id);
});
