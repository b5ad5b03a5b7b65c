import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createHeartbeat, type Heartbeat } from "./heartbeat.ts";
import { createQuotas, type Quotas } from "./quotas.ts";
import { endOwners } from "./store.ts";

const KEY = "bind:carrier";

type Process = {
  readonly owner: string;
  readonly heartbeat: Heartbeat;
  readonly quotas: Quotas;
  share: () => number;
  isFrozen: boolean;
};

let database: TestDatabase;
let processes: Process[];
let moved = 0;
let made = 0;
const now = () => performance.timeOrigin + performance.now() + moved;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await Promise.all(processes.map(({ quotas }) => quotas.close()));
  await database.close();
});
beforeEach(async () => {
  processes = [];
});

/** Moves the clocks of all processes and of the database. */
async function move(ms: number): Promise<void> {
  const by = `${ms} milliseconds`;
  await database.sql`update owners set expires_at = expires_at - ${by}::interval`;
  await database.sql`update quotas set free_at = free_at - ${by}::interval`;
  moved += ms;
}

async function join(limit: number): Promise<void> {
  const owner = `process-${made++}`;
  const { sql } = database;
  const heartbeat = createHeartbeat({ sql, owner, now, monotonic: now });
  await heartbeat.renew();
  const onError = (error: unknown) => {
    throw error;
  };
  const quotas = createQuotas({
    ...{ sql, owner, life: heartbeat.life, now, monotonic: now, onError },
  });
  const share = quotas.use(KEY, limit);
  processes.push({ owner, heartbeat, quotas, share, isFrozen: false });
}

async function renew({ heartbeat, quotas }: Process): Promise<void> {
  const { ended } = await heartbeat.renew();
  if (ended > 0) await endOwners(database.sql);
  await quotas.renew();
}

const renewAll = () => Promise.all(processes.filter(({ isFrozen }) => !isFrozen).map(renew));

const shares = () => processes.map(({ share }) => share());
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

async function settle(rounds = 24): Promise<number[]> {
  for (let round = 0; round < rounds; round += 1) {
    await move(250);
    shares();
    await renewAll();
  }
  return shares();
}

async function endAll(): Promise<void> {
  await Promise.all(processes.map(({ quotas }) => quotas.close()));
  for (const { heartbeat } of processes.splice(0)) await heartbeat.end();
  await move(3_000);
}

test("a limit is divided in whole numbers, all of it, among those who use it", async () => {
  await join(10);
  expect(await settle()).toEqual([10]);
  await join(10);
  expect(await settle()).toEqual([5, 5]);
  await join(10);
  expect((await settle()).toSorted()).toEqual([3, 3, 4]);
  await endAll();
});

test("where there are fewer segments than processes, each has its turn and the others nothing", async () => {
  await join(1);
  await join(1);
  const seen = new Set<string>();
  for (let turn = 0; turn < 6; turn += 1) {
    seen.add(String(await settle(16)));
  }
  expect(seen).toContain("0,1");
  expect(seen).toContain("1,0");
  expect(seen).not.toContain("1,1");
  await endAll();
});

test("a part that nobody asks for goes to the others, and comes back when asked for", async () => {
  await join(10);
  await join(10);
  expect(await settle()).toEqual([5, 5]);
  const [busy, resting] = processes;
  for (let round = 0; round < 60; round += 1) {
    await move(250);
    busy?.share();
    await renewAll();
  }
  expect(busy?.share()).toBe(10);
  expect(resting?.share()).toBe(0);
  expect(await settle()).toEqual([5, 5]);
  await endAll();
});

test("a process without a heartbeat uses nothing, and begins anew when it is back", async () => {
  await join(10);
  await join(10);
  expect(await settle()).toEqual([5, 5]);
  const [frozen] = processes;
  if (frozen === undefined) throw new Error("Nobody joined.");
  frozen.isFrozen = true;
  expect(await settle()).toEqual([0, 10]);
  await frozen.heartbeat.renew();
  expect(shares()).toEqual([0, 10]);
  frozen.isFrozen = false;
  expect(await settle()).toEqual([5, 5]);
  await endAll();
});

type Step = { action: string; which: number; limit: number; moveMs: number };

const steps = fc.array(
  fc.record({
    action: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom("join", "crash", "leave", "freeze", "thaw") },
      { weight: 1, arbitrary: fc.constant("limit") },
      { weight: 4, arbitrary: fc.constant("wait") },
    ),
    which: fc.nat({ max: 9 }),
    limit: fc.integer({ min: 1, max: 12 }),
    moveMs: fc.integer({ min: 20, max: 600 }),
  }),
  { minLength: 20, maxLength: 60 },
);

/** What each process could send in the second up to now, and what was the limit lately. */
function createWitness() {
  const used: { at: number; owner: string; share: number }[] = [];
  const limits: { at: number; limit: number }[] = [];
  return {
    told: (limit: number) => limits.push({ at: now(), limit }),
    look: () => {
      const at = now();
      for (const { owner, share } of processes) used.push({ at, owner, share: share() });
      const most = new Map<string, number>();
      for (const { owner, share } of used.filter((use) => use.at > at - 1_000)) {
        most.set(owner, Math.max(most.get(owner) ?? 0, share));
      }
      // A lower limit is known with the next round, or when a frozen process trusts itself no more.
      const lately = limits.filter((_, index) => (limits[index + 1]?.at ?? at) > at - 3_000);
      const limit = Math.max(...lately.map((entry) => entry.limit));
      expect(sum([...most.values()])).toBeLessThanOrEqual(limit);
    },
  };
}

async function act({ action, which, limit }: Step, current: number): Promise<number> {
  const process = processes[which % Math.max(1, processes.length)];
  if (action === "join" && processes.length < 5) await join(current);
  if (process === undefined) return current;
  if (action === "freeze") process.isFrozen = true;
  if (action === "thaw") for (const frozen of processes) frozen.isFrozen = false;
  if (action === "crash" || action === "leave") {
    await process.quotas.close();
    if (action === "leave") await process.heartbeat.end();
    processes.splice(processes.indexOf(process), 1);
  }
  if (action !== "limit") return current;
  for (const { quotas } of processes) quotas.use(KEY, limit);
  return limit;
}

test("whatever joins, leaves, crashes, freezes and changes, the parts in any second keep within the limit", async () => {
  let granted = 0;
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const witness = createWitness();
      let limit = 10;
      witness.told(limit);
      await join(limit);
      for (const step of list) {
        limit = await act(step, limit);
        witness.told(limit);
        witness.look();
        await move(step.moveMs);
        witness.look();
        await renewAll();
        witness.look();
        granted += sum(shares());
      }
      for (const process of processes) process.isFrozen = false;
      if (processes.length > 0 && limit >= processes.length) {
        expect(sum(await settle())).toBe(limit);
      }
      await endAll();
    }),
    { numRuns: 20, endOnFailure: true },
  );
  expect(granted).toBeGreaterThan(0);
}, 120_000);
