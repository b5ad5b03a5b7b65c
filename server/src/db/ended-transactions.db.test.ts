import { expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { isDatabaseAway } from "./database-errors.ts";

/** Ends the session of a transaction from outside, and waits until its end was heard of. */
async function endSession({ hot }: TestDatabase, pid: number): Promise<void> {
  await hot`select pg_terminate_backend(${pid}, 5000)`;
  await new Promise((done) => setTimeout(done, 50));
}

test("a transaction whose session has ended is refused what it asks for, and nothing else is", async () => {
  const database = await createTestDatabase();
  const { sql } = database;
  const asked: unknown[] = [];
  const lost = sql.begin(async (tx) => {
    const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await endSession(database, row?.pid ?? 0);
    const later = () => tx`create table left_by_an_ended_transaction ()`;
    asked.push(await later().catch((error: unknown) => error));
    // Until all connections are there again: it must go by none of them.
    await Promise.all(Array.from({ length: 20 }, () => sql`select pg_sleep(0.05)`.catch(() => 0)));
    asked.push(await later().catch((error: unknown) => error));
  });
  await expect(lost).rejects.toSatisfy(isDatabaseAway);
  await expect.poll(() => asked.length).toBe(2);
  expect(asked.every(isDatabaseAway)).toBe(true);
  await expect(sql`select from left_by_an_ended_transaction`).rejects.toThrow("does not exist");
  const kept = await sql.begin((tx) => tx<{ one: number }[]>`select 1 as one`);
  expect(kept[0]?.one).toBe(1);
  await database.close();
});

test("one whose session ends under a statement rolls back nothing of another", async () => {
  const database = await createTestDatabase();
  const { sql } = database;
  const lost = () =>
    sql.begin((tx) => tx`select pg_terminate_backend(pg_backend_pid()), pg_sleep(1)`);
  for (let times = 0; times < 10; times += 1) {
    const all = await Promise.allSettled(Array.from({ length: 8 }, lost));
    for (const one of all)
      expect(one.status === "rejected" && isDatabaseAway(one.reason)).toBe(true);
  }
  await expect.poll(() => sql`select`.then(() => true).catch(() => false)).toBe(true);
  await database.close();
});
