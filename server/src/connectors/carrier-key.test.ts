import { expect, test } from "vitest";
import { carrierKey } from "./carrier-key.ts";

test.each([
  ["0059113978", "59113978"],
  ["38601FA", "38601fa"],
  [" 00B8BE19 ", "b8be19"],
  ["000", "0"],
  ["", ""],
])("the id '%s' is found as '%s'", (id, key) => {
  expect(carrierKey(id)).toBe(key);
});
