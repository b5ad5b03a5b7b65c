import type { Sql } from "../db/sql.ts";
import type { KeywordSet } from "./keyword-sets.ts";

/** Held in memory by every process. */
const ROWS_MAX = 1_000_000;

/** By service. */
export async function readKeywordSets(sql: Sql): Promise<Map<string, KeywordSet[]>> {
  const rows = await sql<(KeywordSet & { service: string })[]>`
    select service, kind, language, country, keywords, reply
    from keyword_sets
    order by service, kind, language, country
    limit ${ROWS_MAX}
  `;
  const sets = new Map<string, KeywordSet[]>();
  for (const { service, ...set } of rows) {
    const ofService = sets.get(service);
    if (ofService === undefined) sets.set(service, [set]);
    else ofService.push(set);
  }
  return sets;
}

/**
 * Gives what a service has to `change`, and stores what that makes of it; two changes at once follow
 * each other. Undefined where the account has no such service.
 */
export async function changeKeywordSets(
  sql: Sql,
  of: { readonly account: number; readonly service: string },
  change: (sets: readonly KeywordSet[]) => readonly KeywordSet[],
): Promise<readonly KeywordSet[] | undefined> {
  return sql.begin(async (transaction) => {
    const held = transaction as unknown as Sql;
    const locked = await held`
      select
      from services
      where service = ${of.service}
        and account = ${of.account}
      for no key update
    `;
    if (locked.count === 0) return undefined;
    const before = await held<KeywordSet[]>`
      delete from keyword_sets
      where service = ${of.service}
      returning kind, language, country, keywords, reply
    `;
    const sets = change(before);
    await held`
      insert into keyword_sets (service, kind, language, country, keywords, reply)
      select ${of.service}, kind, language, country, keywords, reply
      from jsonb_to_recordset(${sql.json(sets as never)})
        as item(kind text, language text, country text, keywords text[], reply text)
    `;
    return sets;
  });
}
