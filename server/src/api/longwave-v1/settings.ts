import type { Account } from "../../accounts/account.ts";
import type { AccountBook } from "../../accounts/account-book.ts";
import { updateAccountSettings } from "../../accounts/store.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { notFound } from "../../lib/errors.ts";
import { objectOf, type Route } from "./route.ts";

export type SettingsNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly accountBook: Pick<AccountBook, "refresh">;
};

const facts = {
  when_unknown: {
    enum: ["resend", "hold"],
    description:
      "What becomes of a text whose carrier gave no certain answer: it is sent again to the same carrier and may come twice, or is held for the operator.",
  },
  default_priority: {
    type: "integer",
    minimum: 0,
    maximum: 3,
    description:
      "Of texts that name neither a priority nor an intent of one-time codes; 0 leaves first.",
  },
};

/** What an account has chosen for its messages. */
export function settingsRoutes(app: SettingsNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Settings",
      id: "FetchSettings",
      summary: "The account's settings",
      answer: { status: 200, schema: objectOf(facts) },
      handle: async ({ account }) => describe(account),
    },
    {
      method: "POST",
      path: "/Settings",
      id: "UpdateSettings",
      summary: "Changing the account's settings; what is not given stays",
      body: { type: "json", schema: { type: "object", properties: facts } },
      answer: { status: 200, schema: objectOf(facts) },
      handle: async ({ account, body }) => {
        const { when_unknown: whenUnknown, default_priority: defaultPriority } = body as Settings;
        const change = {
          ...(whenUnknown === undefined ? {} : { whenUnknown }),
          ...(defaultPriority === undefined ? {} : { defaultPriority }),
        };
        const changed = await updateAccountSettings(app.sql, account.id, change, app.clock());
        if (changed === undefined) throw notFound("The account");
        await app.accountBook.refresh();
        return describe(changed);
      },
    },
  ];
}

/** By the schema. */
type Settings = {
  readonly when_unknown?: Account["whenUnknown"];
  readonly default_priority?: Account["defaultPriority"];
};

function describe({ whenUnknown, defaultPriority }: Account) {
  return { when_unknown: whenUnknown, default_priority: defaultPriority };
}
