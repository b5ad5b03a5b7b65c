import type { RuleBook } from "../../compliance/rule-book.ts";
import { type QuietHoursMode, updateQuietHours } from "../../compliance/rule-store.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { objectOf, type Route } from "./route.ts";

export type QuietHoursNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly ruleBook: RuleBook;
};

const setting = objectOf({
  mode: {
    type: "string",
    enum: ["defer", "refuse"],
    description:
      "What becomes of a marketing text in its recipient's quiet hours: it waits, or is refused with 30610.",
  },
});

export function quietHoursRoutes(app: QuietHoursNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/QuietHours",
      id: "FetchQuietHours",
      summary: "What becomes of the account's marketing texts in quiet hours",
      answer: { status: 200, schema: setting },
      handle: async ({ account }) => ({ mode: app.ruleBook.current().of(account.id).quietHours }),
    },
    {
      method: "POST",
      path: "/QuietHours",
      id: "UpdateQuietHours",
      summary: "Letting marketing texts wait in quiet hours, or refusing them",
      body: { type: "json", schema: setting },
      answer: { status: 200, schema: setting },
      handle: async ({ account, body }) => {
        const { mode } = body as { mode: QuietHoursMode }; // by the schema
        await updateQuietHours(app.sql, { account: account.id, mode }, app.clock());
        await app.ruleBook.refresh();
        return { mode };
      },
    },
  ];
}
