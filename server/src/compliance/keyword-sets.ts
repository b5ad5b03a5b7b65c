import { bareWord, builtInKind, type Keyword, type KeywordKind } from "./keywords.ts";

/** What a messaging service adds to the built-in keywords for one language and country. */
export type KeywordSet = {
  readonly kind: KeywordKind;
  readonly language: Language;
  /** Of the phone, ISO 3166-1 alpha-2; or ALL. */
  readonly country: string;
  readonly keywords: readonly string[];
  /** Null: as the next wider set says, at last the built-in one. */
  readonly reply: string | null;
};

export type Language = (typeof languages)[number];

/** As Twilio names them. */
export const languages = [
  ...(["ALL", "AFRIKAANS", "ARABIC", "BENGALI", "CHINESE", "CROATIAN", "CZECH"] as const),
  ...(["DANISH", "DUTCH", "ENGLISH", "ESTONIAN", "FINNISH", "FRENCH", "GERMAN"] as const),
  ...(["GREEK", "HEBREW", "HINDI", "HUNGARIAN", "ITALIAN", "JAPANESE", "KOREAN"] as const),
  ...(["LATVIAN", "LITHUANIAN", "MALAY", "MALAYSIAN", "NORWEGIAN", "POLISH"] as const),
  ...(["PORTUGUESE", "RUSSIAN", "SLOVAK", "SLOVENE", "SPANISH", "SOUTHERN_NDEBELE"] as const),
  ...(["SOUTHERN_SOTHO", "SWATI", "SWEDISH", "TAMIL", "TSWANA", "TSONGA", "VENDA"] as const),
  ...(["XHOSA", "ZULU"] as const),
] as const;

/** Twilio's bounds. */
export const KEYWORD_LENGTH_MAX = 34;
export const REPLY_LENGTH_MAX = 320;
/** Three kinds in each of some dozen languages, with countries of their own. */
export const SETS_MAX = 500;
/** Of one set. */
export const KEYWORDS_MAX = 50;

/** What a set is for. */
export type SetName = Pick<KeywordSet, "kind" | "language" | "country">;

/** The reply in the keyword's language for the phone's country; the widest set is of all languages. */
export function ownReply(
  sets: readonly KeywordSet[],
  keyword: Keyword,
  country: string | undefined,
): string | undefined {
  const { kind, language = "ENGLISH" } = keyword;
  for (const wanted of [language, "ALL"]) {
    for (const one of [country, "ALL"]) {
      const found = sets.find(
        (set) => set.kind === kind && set.language === wanted && set.country === one && set.reply,
      );
      if (found?.reply) return found.reply;
    }
  }
  return undefined;
}

/** The sets with one of them changed, or made, or left out when it says nothing any more. */
export function changeSet(
  sets: readonly KeywordSet[],
  name: SetName,
  change: Partial<Pick<KeywordSet, "keywords" | "reply">>,
): KeywordSet[] {
  const changed = { ...(findSet(sets, name) ?? { ...name, keywords: [], reply: null }), ...change };
  const others = sets.filter((set) => !isNamed(set, name));
  const isEmpty = changed.keywords.length === 0 && changed.reply === null;
  return isEmpty ? others : [...others, changed];
}

export function findSet(sets: readonly KeywordSet[], name: SetName): KeywordSet | undefined {
  return sets.find((set) => isNamed(set, name));
}

function isNamed(set: SetName, { kind, language, country }: SetName): boolean {
  return set.kind === kind && set.language === language && set.country === country;
}

/** The sets with their words as they are compared, or why they cannot stand together. */
export function normalizeSets(
  given: readonly KeywordSet[],
): { readonly sets: KeywordSet[] } | { readonly fault: string } {
  if (given.length > SETS_MAX) return { fault: `a service has at most ${SETS_MAX} sets.` };
  const sets = given.map((set) => ({ ...set, keywords: [...new Set(set.keywords.map(bareWord))] }));
  const names = new Set<string>();
  const kinds = new Map<string, KeywordKind>();
  const languageOf = new Map<string, Language>();
  for (const { kind, language, country, keywords, reply } of sets) {
    const name = `${kind} ${language} ${country}`;
    if (names.has(name)) return { fault: `there are two sets for ${name}. Make them one.` };
    names.add(name);
    if (keywords.length === 0 && reply === null) {
      return { fault: `the set for ${name} has neither keywords nor a reply.` };
    }
    if (keywords.length > KEYWORDS_MAX) {
      return { fault: `the set for ${name} has more than ${KEYWORDS_MAX} keywords.` };
    }
    for (const word of keywords) {
      const fault = faultOf(word, kind, kinds.get(word));
      if (fault !== undefined) return { fault };
      kinds.set(word, kind);
      const place = `${word} ${country}`;
      const other = languageOf.get(place);
      if (other !== undefined) {
        return { fault: `'${word}' is in ${other} and ${language} for ${country}. Keep one.` };
      }
      languageOf.set(place, language);
    }
  }
  return { sets };
}

function faultOf(
  word: string,
  kind: KeywordKind,
  otherKind: KeywordKind | undefined,
): string | undefined {
  if (word.length > KEYWORD_LENGTH_MAX || !/^[\p{L}\p{M}\p{N}]+$/u.test(word)) {
    return `'${word}' is no keyword: it is one word of up to ${KEYWORD_LENGTH_MAX} letters and digits.`;
  }
  const taken = builtInKind(word) ?? otherKind ?? kind;
  if (taken !== kind) return `'${word}' cannot mean ${kind}: it means ${taken} already.`;
  return undefined;
}
