import { changeKeywordSets } from "../../compliance/keyword-set-store.ts";
import {
  KEYWORD_LENGTH_MAX,
  KEYWORDS_MAX,
  type KeywordSet,
  languages,
  normalizeSets,
  REPLY_LENGTH_MAX,
  SETS_MAX,
} from "../../compliance/keyword-sets.ts";
import type { RuleBook } from "../../compliance/rule-book.ts";
import type { Sql } from "../../db/sql.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import type { SenderBook } from "../../senders/sender-book.ts";
import { type Call, listOf, objectOf, type Route, text } from "./route.ts";

export type KeywordNeeds = {
  readonly sql: Sql;
  readonly ruleBook: RuleBook;
  readonly senderBook: Pick<SenderBook, "service">;
};

const set = objectOf({
  kind: { type: "string", enum: ["stop", "start", "help"] },
  language: { type: "string", enum: languages },
  country: {
    ...text,
    pattern: "^([A-Z]{2}|ALL)$",
    description: "Of the phone that texts, ISO 3166-1 alpha-2; ALL: any other.",
  },
  keywords: {
    ...listOf({ ...text, minLength: 1, maxLength: KEYWORD_LENGTH_MAX }),
    maxItems: KEYWORDS_MAX,
    description: "Beside the built-in ones, which always count. None: the set is for its reply.",
  },
  reply: {
    type: ["string", "null"],
    minLength: 1,
    maxLength: REPLY_LENGTH_MAX,
    description: "Null: as the next wider set says, at last the built-in one.",
  },
});
const sets = objectOf({ sets: { ...listOf(set), maxItems: SETS_MAX } });

export function keywordRoutes(app: KeywordNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Services/{service}/Keywords",
      id: "FetchKeywords",
      summary: "What a messaging service adds to the built-in keywords and replies",
      answer: { status: 200, schema: sets },
      handle: async (call) => ({
        sets: app.ruleBook.current().keywordSets.get(serviceOf(app, call)) ?? [],
      }),
    },
    {
      method: "POST",
      path: "/Services/{service}/Keywords",
      id: "ReplaceKeywords",
      summary: "Keywords and replies by language and country, in the place of those before",
      body: { type: "json", schema: sets },
      answer: { status: 200, schema: sets },
      handle: (call) => replace(app, call),
    },
  ];
}

async function replace(app: KeywordNeeds, call: Call) {
  const service = serviceOf(app, call);
  const { sets: given } = call.body as { sets: KeywordSet[] }; // by the schema
  const read = normalizeSets(given);
  if ("fault" in read) throw invalidParameter("sets", read.fault);
  const of = { account: call.account.id, service };
  const changed = await changeKeywordSets(app.sql, of, () => read.sets);
  if (changed === undefined) throw notFound(`The messaging service ${service}`);
  await app.ruleBook.refresh();
  return { sets: app.ruleBook.current().keywordSets.get(service) ?? [] };
}

function serviceOf(app: KeywordNeeds, { account, params }: Call): string {
  const sid = params.service ?? "";
  const service = app.senderBook.service(account.id, sid);
  if (service === undefined) throw notFound(`The messaging service ${sid}`);
  return service.sid;
}
