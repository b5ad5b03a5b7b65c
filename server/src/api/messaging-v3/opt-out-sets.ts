import { changeKeywordSets } from "../../compliance/keyword-set-store.ts";
import {
  changeSet,
  findSet,
  type KeywordSet,
  languages,
  normalizeSets,
  REPLY_LENGTH_MAX,
  type SetName,
} from "../../compliance/keyword-sets.ts";
import { bareWord } from "../../compliance/keywords.ts";
import { invalidParameter, notFound } from "../../lib/errors.ts";
import { isCountry } from "../../numbers/countries.ts";
import type { ApiNeeds } from "../needs.ts";
import type { ApiRequest, Route } from "../route.ts";
import { optOutKey, optOutService } from "./opt-outs.ts";

const ofKeywords = "/v3/OptOuts/:sid/Keywords";
const ofMessages = "/v3/OptOuts/:sid/Messages";
const setName = { keywordType: "same", messageType: "same" } as const;
const oneKeyword = { ...setName, keyword: "same" } as const;
const oneMessage = { ...setName, message: "same" } as const;

type Change = (set: KeywordSet | undefined) => Partial<Pick<KeywordSet, "keywords" | "reply">>;

/** What a messaging service adds to the built-in words and replies, one at a time. */
export const optOutSetRoutes: readonly Route[] = [
  {
    ...{ method: "GET", path: ofKeywords, parameters: {} },
    handle: async (app, request) => ({ status: 200, body: showKeywords(app, request) }),
  },
  {
    ...{ method: "POST", path: ofKeywords, parameters: oneKeyword, takesJson: true },
    handle: async (app, request) => {
      const word = readKeyword(request);
      await change(app, request, (set) => ({ keywords: [...(set?.keywords ?? []), word] }));
      return { status: 201, body: showKeywords(app, request) };
    },
  },
  {
    ...{ method: "DELETE", path: ofKeywords, parameters: oneKeyword },
    handle: async (app, request) => {
      const word = readKeyword(request);
      await change(app, request, (set) => {
        if (!set?.keywords.includes(word)) throw notFound(`The keyword ${word}`);
        return { keywords: set.keywords.filter((one) => one !== word) };
      });
      return { status: 204 };
    },
  },
  {
    ...{ method: "GET", path: ofMessages, parameters: {} },
    handle: async (app, request) => ({ status: 200, body: showMessages(app, request) }),
  },
  {
    ...{ method: "POST", path: ofMessages, parameters: oneMessage, takesJson: true },
    handle: async (app, request) => {
      const reply = readReply(request);
      await change(app, request, () => ({ reply }));
      return { status: 200, body: showMessages(app, request) };
    },
  },
  {
    ...{ method: "DELETE", path: ofMessages, parameters: setName },
    handle: async (app, request) => {
      await change(app, request, (set) => {
        if (set?.reply === null || set === undefined) throw notFound("This message");
        return { reply: null };
      });
      return { status: 204 };
    },
  },
];

async function change(app: ApiNeeds, request: ApiRequest, one: Change): Promise<void> {
  const service = optOutService(app, request).sid;
  const name = readSetName(request);
  const of = { account: request.account.id, service };
  const changed = await changeKeywordSets(app.sql, of, (sets) => {
    const read = normalizeSets(changeSet(sets, name, one(findSet(sets, name))));
    if ("fault" in read) throw invalidParameter("keyword", read.fault);
    return read.sets;
  });
  if (changed === undefined) throw notFound(`The opt-out configuration ${request.params.sid}`);
  await app.ruleBook.refresh();
}

function readSetName({ form }: ApiRequest): SetName {
  const [kind, language, ...rest] = (form.text("keywordType") ?? "").toUpperCase().split(".");
  const knownKind = (["stop", "start", "help"] as const).find((one) => one === kind?.toLowerCase());
  const knownLanguage = languages.find((one) => one === language);
  if (knownKind === undefined || knownLanguage === undefined || rest.length > 0) {
    throw invalidParameter("keywordType", "it must be a kind and a language, as STOP.ENGLISH.");
  }
  const country = (form.text("messageType") || "ALL").toUpperCase();
  if (country !== "ALL" && !isCountry(country)) {
    throw invalidParameter("messageType", "it must be a country's ISO code, as US, or ALL.");
  }
  return { kind: knownKind, language: knownLanguage, country };
}

function readKeyword({ form }: ApiRequest): string {
  const word = bareWord(form.text("keyword") ?? "");
  if (word === "") throw invalidParameter("keyword", "it is missing.");
  return word;
}

function readReply({ form }: ApiRequest): string {
  const reply = form.text("message") ?? "";
  if (reply.length >= 1 && reply.length <= REPLY_LENGTH_MAX) return reply;
  throw invalidParameter("message", `it must have 1 to ${REPLY_LENGTH_MAX} characters.`);
}

function showKeywords(app: ApiNeeds, request: ApiRequest) {
  const { key, sets } = setsOf(app, request);
  const config = sets
    .filter(({ keywords }) => keywords.length > 0)
    .map((set) => ({ ...showName(set), keywords: set.keywords }));
  return { ...key, config };
}

function showMessages(app: ApiNeeds, request: ApiRequest) {
  const { key, sets } = setsOf(app, request);
  const config = sets
    .filter(({ reply }) => reply !== null)
    .map((set) => ({ ...showName(set), message: set.reply }));
  return { ...key, config };
}

function setsOf(app: ApiNeeds, request: ApiRequest) {
  const { sid } = optOutService(app, request);
  const sets = app.ruleBook.current().keywordSets.get(sid) ?? [];
  return { key: optOutKey(request, sid), sets };
}

function showName({ kind, language, country }: SetName) {
  return { keyword_type: `${kind.toUpperCase()}.${language}`, message_type: country };
}
