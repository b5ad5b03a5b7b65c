import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { oneQueryAConnection } from "./one-query-a-connection.ts";

const PLACES = 3;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

/** How many statements are sent and not answered, at the most, while something is done. */
async function mostAtOnce(work: (sql: TestDatabase["sql"]) => Promise<unknown>): Promise<number> {
  const sql = oneQueryAConnection(database.sql, PLACES);
  let most = 0;
  let isDone = false;
  const watching = (async () => {
    while (!isDone) {
      const [row] = await database.hot<{ count: number }[]>`
        select count(*)::int as count
        from pg_stat_activity
        where datname = current_database() and state = 'active' and query like '%pg_sleep%'
          and pid <> pg_backend_pid()
      `;
      most = Math.max(most, row?.count ?? 0);
    }
  })();
  await work(sql);
  isDone = true;
  await watching;
  return most;
}

test("queries that come together take turns, with their parameters, and all end", async () => {
  const most = await mostAtOnce(async (sql) => {
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        index % 2 === 0
          ? sql<{ n: number }[]>`select pg_sleep(0.02), ${index}::int as n`
          : sql<{ n: number }[]>`select pg_sleep(0.02), 0 as n`,
      ),
    );
    expect(answers.map(([row]) => row?.n)).toEqual(
      Array.from({ length: 30 }, (_, index) => (index % 2 === 0 ? index : 0)),
    );
  });
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(PLACES);
});

test("fragments, transactions and failures leave their place", async () => {
  const sql = oneQueryAConnection(database.sql, 1);
  await expect(sql`select 1 / ${0}::int`).rejects.toThrow("division by zero");
  await expect(sql.begin(async (tx) => tx`select 1 / 0`)).rejects.toThrow("division by zero");
  await expect(sql.unsafe("select nothing")).rejects.toThrow("nothing");
  const condition = sql`n > ${1}`;
  const rows = await sql`select n from generate_series(1, 3) as n where ${condition}`;
  expect(rows.map((row) => row.n)).toEqual([2, 3]);
  const told = await sql.begin(async (tx) => {
    await tx`select 1`;
    return tx`select ${2}::int as two`;
  });
  expect(told[0]?.two).toBe(2);
});
