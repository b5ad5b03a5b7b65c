import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPumpInMemory, type Seen } from "../../test/pump-in-memory.ts";
import type { Limit } from "../throughput/limiter.ts";
import type { Priority } from "./message.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const account = (segmentsPerSecond: number): Limit => ({
  ...{ kind: "account", of: "1", segmentsPerSecond, setBy: "the operator" },
});
const instantsOf = (seen: readonly Seen[], lane?: number) =>
  seen.filter((one) => lane === undefined || one.lane === lane).map(({ at }) => at);

/** Any r+1 of them span at least a second; with n, the next whole number, n+1 of them n/r seconds. */
function excess(instants: readonly number[], rate: number): number {
  const within = Math.ceil(rate);
  const spanMs = (1000 * within) / rate;
  return instants.filter((at, place) => at - (instants[place - within] ?? -Infinity) < spanMs)
    .length;
}

test("each lane keeps its own rate within a percent while it has work, and none exceeds it", async () => {
  const rates = [0.2, 0.5, 1, 1.5, 3, 3.75, 8, 10, 12, 25, 100];
  const pump = createPumpInMemory({ lanes: rates.map((rate) => ({ rate })), windows: [1_000] });
  for (const [lane, rate] of rates.entries()) pump.offer(lane, Math.min(900, rate * 70));
  await pump.pass(60_000);
  for (const [lane, rate] of rates.entries()) {
    const instants = instantsOf(pump.seen, lane).filter((at) => at > 0);
    expect(excess(instants, rate)).toBe(0);
    const spanS = ((instants.at(-1) ?? 0) - (instants[0] ?? 0)) / 1000;
    expect((instants.length - 1) / spanS / rate).toBeGreaterThan(0.99);
  }
  await pump.close();
});

test("lanes under one limit have it in turns, and together never more", async () => {
  const lanes = Array.from({ length: 40 }, () => ({ rate: 100, limits: [account(20)] }));
  const pump = createPumpInMemory({ lanes, windows: [1_000] });
  for (const [lane] of lanes.entries()) pump.offer(lane, 50);
  await pump.pass(30_000);
  expect(excess(instantsOf(pump.seen), 20)).toBe(0);
  expect(pump.seen.length).toBeGreaterThan(20 * 29);
  const shares = lanes.map((_, lane) => instantsOf(pump.seen, lane).length);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2);
  await pump.close();
});

test("lanes that wait for a free slot have it in turns", async () => {
  const lanes = Array.from({ length: 30 }, () => ({ rate: 1_000 }));
  const pump = createPumpInMemory({ lanes, windows: [2] });
  for (const [lane] of lanes.entries()) pump.offer(lane, 100);
  await pump.pass(5_000);
  const shares = lanes.map((_, lane) => instantsOf(pump.seen, lane).length);
  expect(Math.min(...shares)).toBeGreaterThan(2);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2);
  await pump.close();
});

test("a lane whose limit is reached holds up no other of its connector", async () => {
  const pump = createPumpInMemory({ lanes: [{ rate: 1 }, { rate: 100 }], windows: [10] });
  pump.offer(0, 500);
  await pump.pass(2_000);
  pump.offer(1);
  await pump.pass(50);
  expect(instantsOf(pump.seen, 1).length).toBe(1);
  await pump.close();
});

test("what holds a lane is known for as long as it holds it", async () => {
  const pump = createPumpInMemory({ lanes: [{ rate: 2 }], windows: [10] });
  pump.offer(0, 100);
  for (let look = 0; look < 30; look += 1) {
    await pump.pass(170);
    expect(pump.stopperOf(0)).toHaveProperty("limit");
  }
  await pump.close();
});

test("what the pump looks at grows with what leaves, not with how many lanes wait", async () => {
  const lanes = Array.from({ length: 2_000 }, () => ({ rate: 10, limits: [account(100)] }));
  const pump = createPumpInMemory({ lanes, windows: [1_000] });
  for (const [lane] of lanes.entries()) pump.offer(lane, 3);
  await pump.pass(1_000);
  const before = { looks: pump.counts.looks, left: pump.seen.length };
  await pump.pass(10_000);
  const left = pump.seen.length - before.left;
  expect(left).toBeGreaterThan(900);
  expect(pump.counts.looks - before.looks).toBeLessThan(4 * left);
  await pump.close();
});

test("a rate that is raised is in force at once, one that is lowered counts what has left", async () => {
  const pump = createPumpInMemory({ lanes: [{ rate: 0.01 }], windows: [100] });
  pump.offer(0, 300);
  await pump.pass(2_000);
  pump.setRate(0, 50);
  await pump.pass(2_000);
  expect(pump.seen.length).toBeGreaterThan(80);
  const changedAt = performance.now();
  pump.setRate(0, 2);
  await pump.pass(5_000);
  const after = instantsOf(pump.seen).filter((at) => at > changedAt - 1_000);
  const firstAfter = after.find((at) => at > changedAt) ?? 0;
  expect(after.filter((at) => at > firstAfter - 1_000 && at <= changedAt).length).toBeLessThan(2);
  await pump.close();
});

test("whatever arrives, is limited and changes hands, no window exceeds a limit, order holds, nobody starves", async () => {
  const rate = fc.constantFrom(0.5, 1, 1.25, 2, 7, 10, 40);
  const step = fc.record({
    lane: fc.nat(5),
    count: fc.integer({ min: 1, max: 30 }),
    priority: fc.constantFrom<Priority>(0, 1, 2, 3),
    passMs: fc.integer({ min: 0, max: 1_500 }),
    isGain: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(rate, { minLength: 6, maxLength: 6 }),
      fc.tuple(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 20 })),
      fc.array(step, { minLength: 1, maxLength: 12 }),
      async (rates, [shared, window], steps) => {
        const limits = [account(shared)];
        const lanes = rates.map((one, lane) => ({ rate: one, connector: lane % 2, limits }));
        const pump = createPumpInMemory({ lanes, windows: [window, window] });
        const offered = new Map<string, bigint[]>();
        for (const { lane, count, priority, passMs, isGain } of steps) {
          const queue = `${lane} ${priority}`;
          const ids = pump.offer(lane, count, priority);
          offered.set(queue, [...(offered.get(queue) ?? []), ...ids]);
          if (isGain) pump.gain();
          await pump.pass(passMs);
        }
        await pump.pass(1_200_000);
        expect(excess(instantsOf(pump.seen), shared)).toBe(0);
        for (const [lane, one] of rates.entries()) {
          expect(excess(instantsOf(pump.seen, lane), one)).toBe(0);
          expect(pump.reservedOf(lane) ?? 0).toBe(0);
        }
        const left = pump.seen.map(({ id }) => id);
        for (const ids of offered.values()) {
          const inQueue = new Set(ids);
          expect(left.filter((id) => inQueue.has(id))).toEqual(ids);
        }
        expect(pump.taken.size).toBe(0);
        await pump.close();
      },
    ),
    { numRuns: 15 },
  );
}, 60_000);

test("each waiting priority has at least a twentieth of a lane's rate", async () => {
  const pump = createPumpInMemory({ lanes: [{ rate: 100 }], windows: [1_000] });
  const urgencies: readonly Priority[] = [0, 1, 2, 3];
  const ids = urgencies.map((priority) => new Set(pump.offer(0, 900, priority)));
  await pump.pass(8_000);
  for (const of of ids) {
    const share = pump.seen.filter(({ id }) => of.has(id)).length / pump.seen.length;
    expect(share).toBeGreaterThanOrEqual(0.049);
  }
  await pump.close();
});
