import { expect, test } from "vitest";
import { createResponseFates, type ResponseFate } from "./response-fates.ts";

function followed(count: number) {
  const machine = createResponseFates();
  const fates: ResponseFate[][] = Array.from({ length: count }, () => []);
  const add = (index: number) => machine.add((fate) => fates[index]?.push(fate));
  return { machine, fates, add };
}

test("a response is heard when the far end speaks two seconds after it was written, not before", () => {
  const { machine, fates, add } = followed(2);
  add(0);
  machine.flushed(0)?.();
  add(1);
  machine.flushed(1_500)?.();
  machine.spoke(1_999);
  expect(fates).toEqual([["written"], ["written"]]);
  machine.spoke(2_000);
  expect(fates).toEqual([["written", "heard"], ["written"]]);
});

test("an answer to a later request proves all before it", () => {
  const { machine, fates, add } = followed(1);
  add(0);
  machine.flushed(0)?.();
  machine.heard();
  machine.lost();
  expect(fates).toEqual([["written", "heard"]]);
});

test("the end of a session loses what is not heard, written or not, and what comes after it", () => {
  const { machine, fates, add } = followed(4);
  add(0);
  machine.flushed(0)?.();
  add(1);
  machine.flushed(1);
  add(2);
  machine.lost();
  add(3);
  machine.spoke(10_000);
  expect(fates).toEqual([["written", "lost"], ["lost"], ["lost"], ["lost"]]);
});
