import { expect, test } from "vitest";
import { keywordAnswer } from "./keyword-reply.ts";
import type { KeywordKind, SenderKind } from "./keywords.ts";

function answer(
  kind: KeywordKind,
  senderKind: SenderKind,
  options: { optOutsUpstream?: boolean; wasOptedOut?: boolean } = {},
) {
  const keyword = { kind, word: kind.toUpperCase() };
  return keywordAnswer({
    keyword,
    senderKind,
    optOutsUpstream: false,
    wasOptedOut: false,
    ...options,
  });
}

test("a STOP is recorded and confirmed", () => {
  expect(answer("stop", "long_code")).toEqual({
    record: "opt-out",
    reply: expect.stringContaining("Reply START to resubscribe."),
    optOutType: "STOP",
  });
});

test("a second STOP is not confirmed again", () => {
  expect(answer("stop", "long_code", { wasOptedOut: true }).reply).toBeUndefined();
});

test("a START takes the opt-out back and says so", () => {
  expect(answer("start", "short_code", { wasOptedOut: true })).toEqual({
    record: "opt-in",
    reply: expect.stringContaining("re-subscribed"),
    optOutType: "START",
  });
});

test("a YES of someone who never left is not answered", () => {
  expect(answer("start", "long_code").reply).toBeUndefined();
});

test("HELP is answered and changes nothing, also after a STOP", () => {
  expect(answer("help", "long_code", { wasOptedOut: true })).toEqual({
    record: "nothing",
    reply: expect.stringContaining("Reply STOP to unsubscribe."),
    optOutType: "HELP",
  });
});

test("on toll-free the network replies, and we record", () => {
  expect(answer("stop", "toll_free")).toMatchObject({ record: "opt-out", reply: undefined });
});

test("where the carrier answers opt-outs, we record and stay silent", () => {
  for (const kind of ["stop", "start", "help"] as const) {
    expect(answer(kind, "long_code", { optOutsUpstream: true }).reply).toBeUndefined();
  }
});
