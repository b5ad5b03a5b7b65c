import { expect, test } from "vitest";
import { type Judged, judgeMessage } from "./judge-message.ts";
import type { AccountRules } from "./rule-book.ts";

const longCode = "+12025550100";
const tollFree = "+18335550100";
const unregistered = new Map([
  [longCode, 30034],
  [tollFree, 30032],
]);
const judge = (rules: Partial<AccountRules>, message: Partial<Judged> = {}) => {
  const all = { openCountries: new Set(["US"]), safeList: new Set<string>(), ...rules };
  return judgeMessage(
    { of: () => all, unregistered },
    {
      account: 1,
      sender: "+15005550100",
      recipient: "+447700900123",
      isKeywordReply: false,
      ...message,
    },
  );
};

test("a country that the account has not opened is refused, an open one is not", () => {
  expect(judge({})).toEqual({ kind: "refused", errorCode: 21408 });
  expect(judge({ openCountries: new Set(["GB"]) })).toEqual({ kind: "allowed" });
  expect(judge({}, { recipient: "+12025550123" })).toEqual({ kind: "allowed" });
});

test("Canada is not the United States although they share a code", () => {
  expect(judge({}, { recipient: "+14165550123" })).toMatchObject({ errorCode: 21408 });
});

test.each(["+447700900123", "+447700900"])("%s on the safe list lets the text leave", (safe) => {
  expect(judge({ safeList: new Set([safe]) })).toEqual({ kind: "allowed" });
  expect(judge({ safeList: new Set([safe]) }, { recipient: "+447700901123" })).toMatchObject({
    kind: "refused",
  });
});

test("a satellite phone is in no country, so no permission opens it", () => {
  expect(judge({}, { recipient: "+881612345678" })).toMatchObject({ errorCode: 21408 });
});

test("the answer to a STOP goes back wherever it came from", () => {
  expect(judge({}, { isKeywordReply: true })).toEqual({ kind: "allowed" });
});

test.each([
  ["a long code to the United States", longCode, "+12025550123", 30034],
  ["a long code to Puerto Rico", longCode, "+17875550123", 30034],
  ["a toll-free number to the United States", tollFree, "+12025550123", 30032],
  ["a toll-free number to Canada", tollFree, "+14165550123", 30032],
  ["a long code to Canada", longCode, "+14165550123", undefined],
  ["a long code to Britain", longCode, "+447700900123", undefined],
  ["a registered number to the United States", "+12025550101", "+12025550123", undefined],
])("what nobody registered, %s, is judged", (_name, sender, recipient, errorCode) => {
  const rules = { openCountries: new Set(["US", "PR", "CA", "GB"]) };
  expect(judge(rules, { sender, recipient })).toEqual(
    errorCode === undefined ? { kind: "allowed" } : { kind: "refused", errorCode },
  );
});
