import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { behaviours, createNetwork } from "./network.ts";

test("the page lists exactly the suffixes that the network knows", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/simulator.md"), "utf8");
  const rows = [...page.matchAll(/^\| `(\d{4})` \| (.+) \|$/gm)].map(([, suffix, what]) => ({
    suffix,
    what,
  }));
  expect(rows).toEqual(behaviours.map(({ suffix, what }) => ({ suffix, what })));
});

test("the same seed gives the same reactions", () => {
  const play = () => {
    const network = createNetwork({ seed: 7, receiptDelayMs: 500 });
    return Array.from({ length: 50 }, (_none, index) => network.react(`1202555${1000 + index}`));
  };
  expect(play()).toEqual(play());
});

test("an ordinary phone gets the text and one receipt within the spread", () => {
  const reaction = createNetwork({ seed: 1, receiptDelayMs: 500 }).react("12025550123");
  expect(reaction).toMatchObject({ status: 0, isShown: true, reply: undefined });
  expect(reaction.receipts).toHaveLength(1);
  expect(reaction.receipts[0]?.afterMs).toBeLessThanOrEqual(750);
});
