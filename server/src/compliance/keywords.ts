export type SenderKind = "long_code" | "toll_free" | "short_code";

export type KeywordKind = "stop" | "start" | "help";

export type Keyword = {
  readonly kind: KeywordKind;
  /** As Twilio writes it: `OPTOUT` also for "Opt out". */
  readonly word: string;
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

/**
 * Reads a text from a phone as an opt-out, opt-in or help keyword: the whole text must be the word,
 * in any case, within spaces and punctuation. "STOP PLEASE" and "stop by at five" are none.
 */
export function readKeyword(body: string, senderKind: SenderKind): Keyword | undefined {
  if (body.length > KEYWORD_BODY_LENGTH_MAX) return undefined;
  const text = body.normalize("NFKC").toUpperCase();
  const bare = text.replace(/^[\s\p{P}\p{S}]+|[\s\p{P}\p{S}]+$/gu, "").replace(/\s+/g, " ");
  const word = spellings[bare] ?? bare;
  const kind = kindByWord.get(word);
  if (kind === undefined) return undefined;
  if (senderKind === "toll_free" && !tollFreeWords.has(word)) return undefined;
  // A refusal is read generously, a permission strictly: "Yes?" subscribes nobody.
  if (kind === "start" && !/^[A-Z]+[.!]?$/.test(text.trim())) return undefined;
  return { kind, word };
}
