import { expect, test } from "vitest";
import { emptyMessage } from "../smpp/pdus.ts";
import { states } from "./behaviours.ts";
import { createPhones } from "./phones.ts";
import { createTexts } from "./texts.ts";

const taken = {
  ...{ sender: "15005550100", recipient: "12025550123", serviceType: "" },
  ...{ state: states.delivered, error: "000", doneAtMs: 0 },
};

test("of many texts those of late can be asked after, the others are forgotten", () => {
  const texts = createTexts();
  for (let id = 1; id <= 170_000; id += 1) texts.put({ id, ...taken });
  expect(texts.byId(170_000)).toBeDefined();
  expect(texts.byId(120_000)).toBeDefined();
  expect(texts.byId(70_000)).toBeUndefined();
});

test("of many phones those that had a text of late show it, and all that they had then", () => {
  const phones = createPhones();
  const receive = (dest: number, text: string) =>
    phones.receive(
      { ...emptyMessage, dest: String(dest), shortMessage: Buffer.from(text, "latin1") },
      0,
    );
  for (let phone = 0; phone < 20_000; phone += 1) receive(phone, "first");
  for (let phone = 10_000; phone < 40_000; phone += 1) receive(phone, "second");
  const shown = (phone: number) => phones.shown(String(phone)).map(({ body }) => body);
  expect(shown(10_000)).toEqual(["first", "second"]);
  expect(shown(19_999)).toEqual(["first", "second"]);
  for (let phone = 40_000; phone < 70_000; phone += 1) receive(phone, "third");
  expect(shown(0)).toEqual([]);
  expect(shown(69_999)).toEqual(["third"]);
  for (let text = 0; text < 150; text += 1) receive(1, String(text));
  expect(shown(1)).toHaveLength(100);
  expect(shown(1).at(-1)).toBe("149");
});
