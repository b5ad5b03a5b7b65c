import { expect, test } from "vitest";
import { readKeyword } from "./keywords.ts";

const read: [string, string, string][] = [
  ...["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"].map(
    (word): [string, string, string] => [word, "stop", word],
  ),
  ...["START", "YES", "UNSTOP"].map((word): [string, string, string] => [word, "start", word]),
  ...["HELP", "INFO"].map((word): [string, string, string] => [word, "help", word]),
  [" stop \n", "stop", "STOP"],
  ["Stop.", "stop", "STOP"],
  ["“STOP!”", "stop", "STOP"],
  ["ＳＴＯＰ", "stop", "STOP"],
  ["stop all", "stop", "STOPALL"],
  ["Opt-out", "stop", "OPTOUT"],
  ["opt  out", "stop", "OPTOUT"],
  ["Start.", "start", "START"],
  ["help?", "help", "HELP"],
];
test.each(read)("%j is a %s keyword", (body, kind, word) => {
  expect(readKeyword(body, "long_code")).toEqual({ kind, word });
});

test.each([
  "",
  "STOP PLEASE",
  "stop by at 5pm",
  "don't stop",
  "Yes?",
  "yes, at five",
  "¡!",
  "S T O P",
])("%j is no keyword", (body) => {
  expect(readKeyword(body, "long_code")).toBeUndefined();
});

test("a long text is no keyword, whatever its punctuation", () => {
  expect(readKeyword(`STOP${"!".repeat(1000)}`, "long_code")).toBeUndefined();
});

test("on toll-free numbers only STOP, START and UNSTOP count", () => {
  const words = ["STOP", "START", "UNSTOP", "QUIT", "CANCEL", "YES", "HELP", "INFO"];
  const counted = words.filter((word) => readKeyword(word, "toll_free") !== undefined);
  expect(counted).toEqual(["STOP", "START", "UNSTOP"]);
});

test("a short code reads the same keywords as a long code", () => {
  expect(readKeyword("quit", "short_code")).toEqual({ kind: "stop", word: "QUIT" });
});
