import { expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { createAccountBook } from "../../accounts/account-book.ts";
import { createAccount } from "../../accounts/create-account.ts";
import { systemClock as clock } from "../../lib/clock.ts";
import { createSeal } from "../../lib/seal.ts";
import { accountLimitRoutes } from "./account-limits.ts";
import type { Call } from "./route.ts";

test("an account's limit is set, told, in force for the next lane, and taken back", async () => {
  const database = await createTestDatabase();
  const app = { ...database, seal: createSeal(Buffer.alloc(32, 7)), clock };
  const { account } = await createAccount(app, {});
  const accountBook = createAccountBook(app);
  await accountBook.refresh();
  const [fetch, update] = accountLimitRoutes({ ...app, accountBook });
  const call = (sid: string, segments_per_second?: number | null): Call => ({
    ...{ account, params: { sid }, query: {}, body: { segments_per_second } },
    readAs: (_schema, value) => value,
  });
  await update?.handle(call(account.sid, 25));
  expect(await fetch?.handle(call(account.sid))).toMatchObject({ segments_per_second: 25 });
  expect(accountBook.byId(account.id)?.segmentsPerSecond).toBe(25);
  await update?.handle(call(account.sid, null));
  expect(await fetch?.handle(call(account.sid))).toMatchObject({ segments_per_second: null });
  await expect(fetch?.handle(call("AC0"))).rejects.toMatchObject({ status: 404 });
  await database.close();
});
