import type { KeywordSet, Language } from "./keyword-sets.ts";

export type SenderKind = "long_code" | "toll_free" | "short_code";

export type KeywordKind = "stop" | "start" | "help";

export type Keyword = {
  readonly kind: KeywordKind;
  /** As Twilio writes it: `OPTOUT` also for "Opt out". */
  readonly word: string;
  /** Of the service's set that has the word. */
  readonly language?: Language;
};

/** A phone's country, and the keyword sets of the service that it texted. */
export type KeywordScope = {
  readonly sets: readonly KeywordSet[];
  readonly country: string | undefined;
};

const keywords: Record<KeywordKind, readonly string[]> = {
  // Twilio's defaults; they hold the words that mean revocation by law (47 CFR 64.1200(a)(10)).
  stop: ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"],
  start: ["START", "YES", "UNSTOP"],
  help: ["HELP", "INFO"],
};

/** The network reads these on toll-free numbers, and no others. */
const tollFreeWords: ReadonlySet<string> = new Set(["STOP", "START", "UNSTOP"]);

/** Other spellings of the same word. */
const spellings: Readonly<Record<string, string>> = {
  "STOP ALL": "STOPALL",
  "OPT OUT": "OPTOUT",
  "OPT-OUT": "OPTOUT",
};

/** Longer than any keyword in its punctuation; a longer text is none. */
const KEYWORD_BODY_LENGTH_MAX = 40;

const kindByWord: ReadonlyMap<string, KeywordKind> = new Map(
  (["stop", "start", "help"] as const).flatMap((kind) =>
    keywords[kind].map((word) => [word, kind] as const),
  ),
);

/** What the kind's words are where nobody set others. */
export function builtInWords(kind: KeywordKind): readonly string[] {
  return keywords[kind];
}

export function builtInKind(word: string): KeywordKind | undefined {
  return kindByWord.get(word);
}

/** As keywords are compared: in capitals, without the spaces and punctuation around it. */
export function bareWord(text: string): string {
  const capitals = text.normalize("NFKC").toUpperCase().normalize("NFKC");
  return capitals.replace(/^[\s\p{P}\p{S}]+|[\s\p{P}\p{S}]+$/gu, "").replace(/\s+/g, " ");
}

/**
 * Reads a text from a phone as an opt-out, opt-in or help keyword: the whole text must be the word,
 * in any case, within spaces and punctuation. "STOP PLEASE" and "stop by at five" are none.
 */
export function readKeyword(
  body: string,
  senderKind: SenderKind,
  scope: KeywordScope = { sets: [], country: undefined },
): Keyword | undefined {
  if (body.length > KEYWORD_BODY_LENGTH_MAX) return undefined;
  const bare = bareWord(body);
  const word = spellings[bare] ?? bare;
  if (senderKind === "toll_free" && !tollFreeWords.has(word)) return undefined;
  const builtIn = kindByWord.get(word);
  const keyword = ownKeyword(scope, word) ?? (builtIn && { kind: builtIn, word });
  // A refusal is read generously, a permission strictly: "Yes?" subscribes nobody.
  if (
    keyword?.kind === "start" &&
    !/^[\p{L}\p{M}\p{N}]+[.!]?$/u.test(body.normalize("NFKC").trim())
  )
    return undefined;
  return keyword;
}

/** What the word is in the sets of the phone's country, else in those of all. */
function ownKeyword({ sets, country }: KeywordScope, word: string): Keyword | undefined {
  const holder = [country, "ALL"]
    .map((one) => sets.find((set) => set.country === one && set.keywords.includes(word)))
    .find((set) => set !== undefined);
  return holder && { kind: holder.kind, word, language: holder.language };
}
