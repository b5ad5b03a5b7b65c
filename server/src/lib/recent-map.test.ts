import { expect, test } from "vitest";
import { createRecentMap } from "./recent-map.ts";

test("what was asked for most recently is kept, the rest forgotten", () => {
  const made: string[] = [];
  const make = (text: string) => {
    made.push(text);
    return text.toUpperCase();
  };
  const map = createRecentMap<string>(2);
  for (const text of ["a", "b", "a", "c", "a", "b"]) map.get(text, make);
  expect(made).toEqual(["a", "b", "c", "b"]);
  expect(map.size()).toBe(2);
});

test("that nothing could be made is remembered too", () => {
  let makings = 0;
  const map = createRecentMap<string | undefined>(2);
  const make = () => {
    makings += 1;
    return undefined;
  };
  expect([map.get("a", make), map.get("a", make)]).toEqual([undefined, undefined]);
  expect(makings).toBe(1);
});
