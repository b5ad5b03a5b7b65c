import { expect, test } from "vitest";
import { type Judged, judgeMessage } from "./judge-message.ts";
import { createQuietHours } from "./quiet-hours.ts";
import type { AccountRules } from "./rule-book.ts";

const longCode = "+12025550100";
const tollFree = "+18335550100";
const unregistered = new Map([
  [longCode, 30034],
  [tollFree, 30032],
]);
const quietHours = createQuietHours();
const night = new Date("2026-11-24T09:30:00Z");
const judge = (rules: Partial<AccountRules>, message: Partial<Judged> = {}) => {
  const all = {
    openCountries: new Set(["US"]),
    safeList: new Set<string>(),
    quietHours: "defer" as const,
    ...rules,
  };
  return judgeMessage(
    {
      ...{ of: () => all, unregistered, quietHours },
      ...{ registeredLimits: new Map(), campaigns: new Map(), keywordSets: new Map() },
    },
    {
      account: 1,
      sender: "+15005550100",
      recipient: "+447700900123",
      connector: "carrier",
      isKeywordReply: false,
      isMarketing: false,
      validUntil: new Date("2026-11-24T18:00:00Z"),
      ...message,
    },
    night,
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

const denver = { recipient: "+13035550123", isMarketing: true };

test("a marketing text in the recipient's night waits until eight in the morning", () => {
  expect(judge({}, denver)).toEqual({
    ...{ kind: "later", why: "quiet hours", notBefore: new Date("2026-11-24T15:00:00Z") },
  });
  expect(judge({}, { ...denver, isMarketing: false })).toEqual({ kind: "allowed" });
  expect(judge({}, { ...denver, isKeywordReply: true })).toEqual({ kind: "allowed" });
});

test("a marketing text that is not valid until the morning is refused", () => {
  const validUntil = new Date("2026-11-24T15:00:00Z");
  expect(judge({}, { ...denver, validUntil })).toEqual({ kind: "refused", errorCode: 30047 });
});

test("an account may have marketing texts refused instead", () => {
  const quiet = judge({ quietHours: "refuse" }, denver);
  expect(quiet).toEqual({ kind: "refused", errorCode: 30610 });
});
