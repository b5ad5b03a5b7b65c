import type { AccountBook } from "../../accounts/account-book.ts";
import { updateAccountRate } from "../../accounts/store.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { notFound } from "../../lib/errors.ts";
import { type Call, objectOf, type Route, text } from "./route.ts";

export type AccountLimitNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly accountBook: Pick<AccountBook, "bySid" | "refresh">;
};

const rate = {
  type: ["integer", "null"],
  minimum: 1,
  maximum: 10_000,
  description: "Segments a second of all its senders together; null: no such limit.",
};
const answer = {
  status: 200,
  schema: objectOf({ account_sid: text, segments_per_second: rate }),
} as const;

export function accountLimitRoutes(app: AccountLimitNeeds): Route[] {
  const path = "/AccountLimits/{sid}";
  return [
    {
      ...{ method: "GET", path, id: "FetchAccountLimit", isForOperator: true, answer },
      summary: "What limits the senders of an account together",
      handle: async (call) => limitOf(app, call),
    },
    {
      ...{ method: "POST", path, id: "UpdateAccountLimit", isForOperator: true, answer },
      summary: "Limiting what the senders of an account send together, within a second",
      body: { type: "json", schema: objectOf({ segments_per_second: rate }) },
      handle: async (call) => {
        const { segments_per_second } = call.body as { segments_per_second: number | null }; // by its schema
        await updateAccountRate(app.sql, accountOf(app, call).id, segments_per_second, app.clock());
        await app.accountBook.refresh();
        return limitOf(app, call);
      },
    },
  ];
}

function limitOf(app: AccountLimitNeeds, call: Call) {
  const { sid, segmentsPerSecond } = accountOf(app, call);
  return { account_sid: sid, segments_per_second: segmentsPerSecond ?? null };
}

function accountOf({ accountBook }: AccountLimitNeeds, { params }: Call) {
  const sid = params.sid ?? "";
  const account = accountBook.bySid(sid);
  if (account === undefined) throw notFound(`The account '${sid}'`);
  return account;
}
