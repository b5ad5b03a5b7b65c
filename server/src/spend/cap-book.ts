import { type Kept, keepConfiguration } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import type { SpendCap } from "./cap.ts";
import { readCaps } from "./cap-store.ts";

/** Every cap in memory, as of the last refresh. */
export type CapBook = Kept<Caps>;

export type Caps = {
  /** The caps that a text of the account to the country counts against: at most two. */
  readonly of: (account: number, country: string | undefined) => readonly SpendCap[];
};

const none: readonly SpendCap[] = [];

export function createCapBook(app: { readonly sql: Sql }): CapBook {
  return keepConfiguration<Caps>(app, {
    empty: { of: () => none },
    read: async (sql) => {
      const caps = new Map(
        (await readCaps(sql)).map((cap) => [`${cap.account} ${cap.country}`, cap]),
      );
      if (caps.size === 0) return { of: () => none };
      return {
        of: (account, country) =>
          [caps.get(`${account} ${country}`), caps.get(`${account} *`)].filter(
            (cap) => cap !== undefined,
          ),
      };
    },
  });
}
