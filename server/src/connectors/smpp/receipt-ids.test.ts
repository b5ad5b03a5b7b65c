import { expect, test } from "vitest";
import { createReceiptIds } from "./receipt-ids.ts";

test.each([
  ["same", "0E999f21", "0E999f21"],
  ["hexToDecimal", "0059113978", "38601fa"],
  ["hexToDecimal", "9308878062554710043", "812fc7470000001b"],
  ["hexToDecimal", "not-a-number", "not-a-number"],
  ["decimalToHex", "38601FA", "59113978"],
] as const)("%s: the receipt's %s was answered as %s", (mode, id, expected) => {
  expect(createReceiptIds(mode).translate(id, "1555")).toBe(expected);
});

test.each([
  ["hex, then decimal", (id: number) => [id.toString(16), String(id).padStart(10, "0")]],
  ["decimal, then hex", (id: number) => [String(id), id.toString(16).toUpperCase()]],
  ["the same with leading noughts", (id: number) => [String(id), `00${id}`]],
] as const)("auto learns a carrier's way: %s", (_what, write) => {
  const ids = createReceiptIds("auto");
  const key = (text: string) => text.replace(/^0+/, "");
  for (let id = 59_113_978; id < 59_113_981; id += 1) {
    const [answer = "", receipt = ""] = write(id);
    ids.accepted(answer, "1555");
    expect(key(ids.translate(receipt, "1555"))).toBe(answer);
  }
  // Learned: a receipt of a message that this process never sent is read the same way.
  const [answer = "", receipt = ""] = write(70_000_000);
  expect(key(ids.translate(receipt, "1777"))).toBe(answer);
});

test("an id that fits by chance, of another recipient, teaches nothing", () => {
  const ids = createReceiptIds("auto");
  ids.accepted("10", "1555");
  expect(ids.translate("16", "1777")).toBe("16");
});
