import { expect, test } from "vitest";
import { parseTarget } from "./overrides.ts";

test("without a fragment Twilio's usual limits hold", () => {
  expect(parseTarget("https://shop.example/a?b=c")).toEqual({
    url: "https://shop.example/a?b=c",
    connectMs: 5_000,
    readMs: 15_000,
    totalMs: 15_000,
    retryCount: 1,
    retryPolicies: new Set(["ct"]),
  });
});

test("a fragment sets limits and retries, and is not part of the URL", () => {
  expect(parseTarget("https://shop.example/a#rc=3&rp=5xx,rt&ct=200&rt=900&tt=2000")).toEqual({
    url: "https://shop.example/a",
    connectMs: 200,
    readMs: 900,
    totalMs: 2_000,
    retryCount: 3,
    retryPolicies: new Set(["5xx", "rt"]),
  });
});

test("values beyond Twilio's ranges are moved into them", () => {
  expect(parseTarget("https://shop.example/#rc=9&ct=1&rt=99999")).toMatchObject({
    retryCount: 5,
    connectMs: 100,
    readMs: 15_000,
  });
});
