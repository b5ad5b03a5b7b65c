import { expect, test } from "vitest";
import { networksOf } from "./network-book.ts";

const networks = networksOf([
  { prefix: "+49151", network: "26201", name: "Telekom" },
  { prefix: "+49152", network: "26202", name: "Vodafone" },
  { prefix: "+491520", network: "26203", name: "" },
  { prefix: "+4915112345678", network: "26202", name: "Vodafone" },
]);

test.each([
  ["the network of its range", "+4915199999999", "26201"],
  ["the longest range", "+4915201234567", "26203"],
  ["the shorter one beside it", "+4915211234567", "26202"],
  ["a ported number's own line", "+4915112345678", "26202"],
  ["none outside the ranges", "+33612345678", undefined],
])("a phone is in %s", (_, number, code) => {
  expect(networks.of(number)?.code).toBe(code);
});
