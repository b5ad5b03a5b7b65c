import { type Kept, keepConfiguration } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import { readKeywordSets } from "./keyword-set-store.ts";
import type { KeywordSet } from "./keyword-sets.ts";
import { createQuietHours, type QuietHours } from "./quiet-hours.ts";
import { readRegisteredLimits } from "./registration-limit-store.ts";
import type { RegisteredLimits } from "./registration-limits.ts";
import { type Campaign, readCampaigns, readUnregistered } from "./registration-store.ts";
import {
  type QuietHoursMode,
  readFamilies,
  readGeoPermissions,
  readHomeCountries,
  readSafeLists,
} from "./rule-store.ts";

/** The rules of all accounts, in memory. */
export type Rules = {
  readonly of: (account: number) => AccountRules;
  /** Senders that the carriers would stop, with the code of why. */
  readonly unregistered: ReadonlyMap<string, number>;
  /** What carriers take of its campaign and its brand, by number. */
  readonly registeredLimits: ReadonlyMap<string, RegisteredLimits>;
  /** Of messaging services, by their sids: what the operator recorded of their long codes. */
  readonly campaigns: ReadonlyMap<string, readonly Campaign[]>;
  /** Of messaging services, by their sids. */
  readonly keywordSets: ReadonlyMap<string, readonly KeywordSet[]>;
  readonly quietHours: QuietHours;
};

export type AccountRules = {
  /** ISO codes of the countries that the account may text. */
  readonly openCountries: ReadonlySet<string>;
  /** Numbers, and numbers without their last three digits, that may be texted wherever they are. */
  readonly safeList: ReadonlySet<string>;
  readonly quietHours: QuietHoursMode;
};

/** As of the last refresh. */
export type RuleBook = Kept<Rules>;

const none: AccountRules = { openCountries: new Set(), safeList: new Set(), quietHours: "defer" };

export function createRuleBook(app: { readonly sql: Sql }): RuleBook {
  const quietHours = createQuietHours();
  return keepConfiguration<Rules>(app, {
    empty: {
      ...{ of: () => none, unregistered: new Map(), registeredLimits: new Map() },
      ...{ campaigns: new Map(), keywordSets: new Map(), quietHours },
    },
    read: async (sql) => ({ ...(await readRules(sql)), quietHours }),
  });
}

async function readRules(sql: Sql): Promise<Omit<Rules, "quietHours">> {
  const [of, unregistered, registeredLimits, campaigns, keywordSets] = await Promise.all([
    readAccountRules(sql),
    readUnregistered(sql),
    readRegisteredLimits(sql),
    readCampaigns(sql),
    readKeywordSets(sql),
  ]);
  return { of, unregistered, registeredLimits, campaigns, keywordSets };
}

async function readAccountRules(sql: Sql): Promise<Rules["of"]> {
  const [families, homes, permissions, safeLists] = await Promise.all([
    readFamilies(sql),
    readHomeCountries(sql),
    readGeoPermissions(sql),
    readSafeLists(sql),
  ]);
  const rules = new Map<number, AccountRules>();
  // Parents come first: what an account has not said itself, its parent says.
  for (const { account, parent, quietHours } of families) {
    const above = rules.get(parent ?? 0) ?? none;
    const openCountries = new Set([...above.openCountries, ...(homes.get(account) ?? [])]);
    for (const { country, isEnabled } of permissions.get(account) ?? []) {
      if (isEnabled) openCountries.add(country);
      else openCountries.delete(country);
    }
    const own = safeLists.get(account) ?? [];
    const safeList = own.length === 0 ? above.safeList : new Set([...above.safeList, ...own]);
    rules.set(account, { openCountries, safeList, quietHours });
  }
  return (account) => rules.get(account) ?? none;
}
