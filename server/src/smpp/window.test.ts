import fc from "fast-check";
import { expect, test } from "vitest";
import { createWindow } from "./window.ts";

const options = { size: 4, responseTimeoutMs: 1_000, enquireLinkMs: 30_000 };

test("a request takes a slot and its answer gives it back, once", () => {
  const window = createWindow<string>(options);
  const sequence = window.open("a", 0);
  expect({ sequence, free: window.free() }).toEqual({ sequence: 1, free: 3 });
  expect(window.close(sequence)).toBe("a");
  expect(window.close(sequence)).toBeUndefined();
  expect(window.free()).toBe(4);
});

test("answers find their requests in any order, whatever is open beside them", () => {
  const action = fc.oneof(fc.constant("open" as const), fc.nat({ max: 200 }));
  void fc.assert(
    fc.property(fc.array(action, { maxLength: 400 }), (actions) => {
      const window = createWindow<number>(options);
      const model = new Map<number, number>();
      for (const [index, next] of actions.entries()) {
        if (next === "open") {
          const sequence = window.open(index, index);
          expect(model.has(sequence)).toBe(false);
          model.set(sequence, index);
        } else {
          expect(window.close(next)).toBe(model.get(next));
          model.delete(next);
        }
        expect(window.size()).toBe(model.size);
      }
      expect(window.clear().map(({ waiting }) => waiting)).toEqual([...model.values()]);
    }),
    { seed: 4 },
  );
});

test("a request that waits does not stop the numbers from going round it", () => {
  const window = createWindow<string>(options);
  const waiting = window.open("waiting", 0);
  const given = new Set<number>();
  for (let count = 0; count < 10_000; count += 1) {
    const sequence = window.open("quick", 0);
    given.add(sequence);
    window.close(sequence);
  }
  expect(given.size).toBe(10_000);
  expect(given.has(waiting)).toBe(false);
  expect(window.close(waiting)).toBe("waiting");
});

test("a request without an answer times out at its deadline, and its late answer finds nobody", () => {
  const window = createWindow<string>(options);
  const first = window.open("first", 0);
  window.open("second", 500);
  expect(window.tick(999).timedOut).toEqual([]);
  expect(window.tick(1_000).timedOut).toEqual(["first"]);
  expect(window.close(first)).toBeUndefined();
  expect(window.tick(1_500).timedOut).toEqual(["second"]);
});

test("what was opened since the last write is known not to be written", () => {
  const window = createWindow<string>(options);
  window.open("left", 0);
  window.written();
  window.open("still here", 0);
  expect(window.clear()).toEqual([
    { waiting: "left", isWritten: true },
    { waiting: "still here", isWritten: false },
  ]);
});

test("a quiet line is asked once, and is dead when the answer's time is over", () => {
  const window = createWindow<string>(options);
  window.heard(0);
  expect(window.tick(29_999).isQuiet).toBe(false);
  expect(window.tick(30_000)).toMatchObject({ isQuiet: true, isDead: false });
  expect(window.tick(30_500)).toMatchObject({ isQuiet: false, isDead: false });
  expect(window.tick(31_000)).toMatchObject({ isDead: true });
});

test("any word from the far end keeps the line alive", () => {
  const window = createWindow<string>(options);
  window.heard(0);
  expect(window.tick(30_000).isQuiet).toBe(true);
  window.heard(30_900);
  expect(window.tick(31_000)).toMatchObject({ isQuiet: false, isDead: false });
  expect(window.tick(60_900)).toMatchObject({ isQuiet: true, isDead: false });
});

test("a machine that slept asks before it takes the line for dead", () => {
  const window = createWindow<string>(options);
  window.heard(0);
  expect(window.tick(3_600_000)).toMatchObject({ isQuiet: true, isDead: false });
});
