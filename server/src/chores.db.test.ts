import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { takeKey } from "./api/store.ts";
import { doChores } from "./chores.ts";
import { HOUR, systemClock } from "./lib/clock.ts";
import { takeOneLease } from "./throughput/store.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const endWaiting = () => Promise.resolve();
const endUnreceipted = () => Promise.resolve();
const choresOf = (owner: string) => {
  const { sql } = database;
  return doChores({
    sql,
    clock: systemClock,
    owner,
    retentionDays: 30,
    endWaiting,
    endUnreceipted,
  });
};
const endChoresLease = () => database.sql`
  update leases set expires_at = now() - interval '1 second' where kind = 'chores'
`;
/** A writer as it stands `days` after its last sign of life. */
async function insertWriter(writer: { owner: string; days: number; isClosed: boolean }) {
  const [row] = await database.sql<{ writer: bigint }[]>`
    insert into writers (owner, opened_at, seen_at, is_closed)
    values (${writer.owner}, now() - make_interval(days => ${writer.days}),
      now() - make_interval(days => ${writer.days}), ${writer.isClosed})
    returning writer
  `;
  return row?.writer ?? 0n;
}
async function isClosed(writer: bigint): Promise<boolean | undefined> {
  const [row] = await database.sql<{ closed: boolean }[]>`
    select is_closed as closed from writers where writer = ${String(writer)}::bigint
  `;
  return row?.closed;
}

test("idempotency keys are forgotten after 24 hours, by one process of an hour", async () => {
  const { sql } = database;
  const now = systemClock().getTime();
  const since = new Date(0);
  const hash = Buffer.alloc(32);
  const keep = (key: string, hours: number) =>
    takeKey(
      sql,
      { account: 1, key, requestSha256: hash, message: undefined },
      { at: new Date(now - hours * HOUR), since, abandonedBefore: since },
    );
  await keep("old", 25);
  await keep("young", 23);
  const rounds = await Promise.all([choresOf("first"), choresOf("second")]);
  expect(rounds.sort()).toEqual([false, true]);
  const keys = await sql`select key from idempotency_keys`;
  expect(keys.map((row) => row.key)).toEqual(["young"]);
});

test("the writers of a process are closed an hour after its lease has gone, not before", async () => {
  const { sql } = database;
  await takeOneLease(sql, { kind: "slot", count: 8, owner: "alive", ttlMs: HOUR });
  await takeOneLease(sql, { kind: "slot", count: 8, owner: "crashed", ttlMs: -HOUR });
  const alive = await insertWriter({ owner: "alive", days: 1, isClosed: false });
  const crashed = await insertWriter({ owner: "crashed", days: 1, isClosed: false });
  const justCrashed = await insertWriter({ owner: "crashed", days: 0, isClosed: false });
  await endChoresLease();
  expect(await choresOf("first")).toBe(true);
  expect(await Promise.all([alive, crashed, justCrashed].map(isClosed))).toEqual([
    false,
    true,
    false,
  ]);
  // Had the round not seen the live one, its writer would be closed as soon as the lease is gone.
  await sql`update leases set expires_at = now() - interval '1 second' where owner = 'alive'`;
  await endChoresLease();
  await choresOf("first");
  expect(await isClosed(alive)).toBe(false);
});

test("a closed writer goes with its cursors after the retention, once its events are gone", async () => {
  const { sql } = database;
  const forgotten = await insertWriter({ owner: "x", days: 31, isClosed: true });
  const young = await insertWriter({ owner: "x", days: 29, isClosed: true });
  const needed = await insertWriter({ owner: "x", days: 31, isClosed: true });
  await sql`
    insert into events (writer, seq, day, at, kind, account, id, data)
    values (${String(needed)}::bigint, 1, current_date, now(), 'sent', 1, 1, '{}')
  `;
  await sql`
    insert into cursors (reader, writer, seq, day, is_done)
    select 'reader', writer, 0, current_date, true
    from unnest(${[forgotten, young, needed].map(String)}::bigint[]) as writer
  `;
  await endChoresLease();
  await choresOf("first");
  expect(await Promise.all([forgotten, young, needed].map(isClosed))).toEqual([
    undefined,
    true,
    true,
  ]);
  const cursors = await sql<{ writer: bigint }[]>`
    select writer from cursors where reader = 'reader' order by writer
  `;
  expect(cursors.map((row) => row.writer)).toEqual([young, needed]);
});
