import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import type { Sql } from "../db/sql.ts";
import type { PhoneNumber } from "../numbers/phone-number.ts";
import { findOptedOut, insertOptOuts, listOptOuts, removeOptOuts } from "./store.ts";

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let sql: Sql;
const at = new Date("2026-11-24T10:00:00Z");
const phone = (last: number) => `+1202555${String(last).padStart(4, "0")}` as PhoneNumber;
const scope = (pool: string) => ({ account: 1, pool });

beforeAll(async () => {
  database = await createTestDatabase();
  sql = database.sql;
  await sql`
    insert into accounts (sid, friendly_name, status, auth_token, created_at, updated_at)
    values ('AC1', 'Test', 'active', ${Buffer.from("sealed")}, ${at}, ${at})
  `;
});
afterAll(() => database.close());

test("an opt-out is new once, and its first source stays", async () => {
  const stop = { ...scope("new"), source: "keyword", keyword: "STOP" } as const;
  expect(await insertOptOuts(sql, stop, [phone(1), phone(1)], at)).toEqual([phone(1)]);
  expect(await insertOptOuts(sql, { ...scope("new"), source: "import" }, [phone(1)], at)).toEqual(
    [],
  );
  const [kept] = await listOptOuts(sql, { ...scope("new"), limit: 1 });
  expect(kept).toMatchObject({ source: "keyword", keyword: "STOP", optedOutAt: at });
});

test("a batch learns in its order who opted out, by account and pool", async () => {
  await insertOptOuts(sql, { ...scope("batch"), source: "api" }, [phone(2)], at);
  const keys = [
    { account: 1, pool: "batch", recipient: phone(3) },
    { account: 1, pool: "batch", recipient: phone(2) },
    { account: 1, pool: "other", recipient: phone(2) },
    { account: 2, pool: "batch", recipient: phone(2) },
    { account: 1, pool: "batch", recipient: phone(2) },
  ];
  expect(await findOptedOut(sql, keys)).toEqual([false, true, false, false, true]);
});

test("an opt-out taken back is gone, and only that one", async () => {
  await insertOptOuts(sql, { ...scope("back"), source: "api" }, [phone(4), phone(5)], at);
  expect(
    await removeOptOuts(sql, { account: scope("back").account, pools: ["back"] }, [
      phone(4),
      phone(6),
    ]),
  ).toEqual([phone(4)]);
  const left = await listOptOuts(sql, { ...scope("back"), limit: 10 });
  expect(left.map((optOut) => optOut.recipient)).toEqual([phone(5)]);
});

test("pages go on after the last opt-out of the page before", async () => {
  await insertOptOuts(sql, { ...scope("pages"), source: "api" }, [7, 8, 9].map(phone), at);
  const [first] = await listOptOuts(sql, { ...scope("pages"), limit: 1 });
  const rest = await listOptOuts(sql, { ...scope("pages"), after: first, limit: 10 });
  expect(rest.map((optOut) => optOut.recipient)).toEqual([phone(8), phone(9)]);
});
