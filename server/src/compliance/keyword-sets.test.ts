import { expect, test } from "vitest";
import { keywordAnswer } from "./keyword-reply.ts";
import { type KeywordSet, normalizeSets } from "./keyword-sets.ts";
import { readKeyword } from "./keywords.ts";

const set = (changes: Partial<KeywordSet>): KeywordSet => ({
  ...{ kind: "stop", language: "ENGLISH", country: "ALL", keywords: [], reply: null, ...changes },
});
const own = [
  set({ language: "FRENCH", keywords: ["ARRET"], reply: "Fini." }),
  set({ language: "FRENCH", country: "CA", keywords: ["CESSEZ"], reply: "Fini, au Canada." }),
  set({ language: "ALL", country: "MX", reply: "Hasta luego." }),
  set({ kind: "start", language: "GREEK", keywords: ["ΝΑΙ"] }),
  set({ kind: "help", country: "US", reply: "Call us." }),
];
const reply = (body: string, country: string) => {
  const scope = { sets: own, country };
  const keyword = readKeyword(body, "long_code", scope);
  const received = { senderKind: "long_code", optOutsUpstream: false, scope } as const;
  return (
    keyword && keywordAnswer({ ...received, keyword, wasOptedOut: keyword.kind === "start" }).reply
  );
};

test.each([
  ["a word of its own, in the set of all countries", "arret!", "FR", "Fini."],
  ["the reply of the phone's country before that of all", "Arret", "CA", "Fini, au Canada."],
  ["a word that only another country has", "CESSEZ", "FR", undefined],
  ["a set of all languages where the keyword's has none", "STOP", "MX", "Hasta luego."],
  ["the built-in reply where no set has one", "STOP", "FR", expect.stringContaining("START")],
  ["a reply of its own for a built-in word", "help", "US", "Call us."],
  ["a word in another script, in small letters", "ναι", "GR", expect.stringContaining("re-subs")],
])("a service's keywords: %s", (_, body, country, expected) => {
  expect(reply(body, country)).toEqual(expected);
});

test("an opt-in word of the service's own is read as strictly as a built-in one", () => {
  expect(reply("ναι?", "GR")).toBeUndefined();
});

test("the network alone reads keywords on toll-free numbers", () => {
  expect(readKeyword("ARRET", "toll_free", { sets: own, country: "CA" })).toBeUndefined();
});

test("keywords are kept as they are compared", () => {
  const given = [set({ keywords: ["arrêt", " Arrêt."] })];
  expect(normalizeSets(given)).toEqual({ sets: [set({ keywords: ["ARRÊT"] })] });
});

test.each([
  ["a built-in word of another kind", [set({ kind: "help", keywords: ["stop"] })], /already/],
  [
    "one word of two kinds",
    [set({ keywords: ["FIN"] }), set({ kind: "help", country: "FR", keywords: ["FIN"] })],
    /already/,
  ],
  [
    "one word in two languages of a country",
    [set({ keywords: ["FIN"] }), set({ language: "FRENCH", keywords: ["FIN"] })],
    /Keep one/,
  ],
  ["two words", [set({ keywords: ["STOP IT"] })], /one word/],
  ["two sets for one place", [set({ reply: "A" }), set({ reply: "B" })], /two sets/],
  ["an empty set", [set({})], /neither/],
])("a service's keywords cannot have %s", (_, given, fault) => {
  expect(normalizeSets(given)).toEqual({ fault: expect.stringMatching(fault) });
});
