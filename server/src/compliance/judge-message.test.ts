import { expect, test } from "vitest";
import { type Judged, judgeMessage } from "./judge-message.ts";
import type { AccountRules } from "./rule-book.ts";

const judge = (rules: Partial<AccountRules>, message: Partial<Judged> = {}) => {
  const all = { openCountries: new Set(["US"]), safeList: new Set<string>(), ...rules };
  return judgeMessage(
    { of: () => all },
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
