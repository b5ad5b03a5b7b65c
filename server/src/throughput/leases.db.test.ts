import { afterEach, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { connectDirect } from "../db/connect.ts";
import { holdShards, type ShardLeaseNeeds, type ShardLeases } from "./leases.ts";
import { releaseLeases, takeOneLease, takeShards } from "./store.ts";

type Holder = {
  readonly owner: string;
  readonly leases: ShardLeases;
  readonly trusted: () => number[];
  readonly gains: { shards: readonly number[]; lapsedAt: number; at: number }[];
  /** Its statements wait from now on; resolves to what lets them go. */
  readonly freeze: () => Promise<() => void>;
  /** It dies: nothing of it reaches the database any more. */
  readonly die: () => Promise<void>;
};

const shards = Array.from({ length: 256 }, (_, shard) => shard);
let database: TestDatabase;
let holders: Holder[];
let stopWatch: () => void;
let faults: string[];

beforeEach(async () => {
  database = await createTestDatabase();
  holders = [];
  faults = [];
  stopWatch = watch();
});

afterEach(async () => {
  stopWatch();
  await Promise.all(holders.map(({ leases }) => leases.close().catch(() => undefined)));
  await database.close();
  expect(faults).toEqual([]);
});

async function join(owner: string, needs: Partial<ShardLeaseNeeds> = {}): Promise<Holder> {
  const sql = connectDirect(database.address);
  const gains: Holder["gains"] = [];
  const leases = await holdShards({
    ...{ sql, owner, now: () => Date.now(), onError: () => undefined },
    onGained: (gained, lapsedAt) => gains.push({ shards: gained, lapsedAt, at: performance.now() }),
    onLeaving: async () => undefined,
    ...needs,
  });
  const holder: Holder = {
    ...{ owner, gains },
    leases: { ...leases, close: () => leases.close().finally(() => sql.end({ timeout: 1 })) },
    trusted: () => shards.filter((shard) => leases.epochOf(shard) !== undefined),
    freeze: () =>
      new Promise((frozen) => {
        void sql.begin(() => new Promise<void>((thaw) => frozen(thaw)));
      }),
    die: () => sql.end({ timeout: 0 }),
  };
  holders.push(holder);
  return holder;
}

/** Looks all the time whether two trust one shard, and whether each owner's epoch is a higher one. */
function watch(): () => void {
  const last = new Map<number, { owner: string; epoch: bigint }>();
  const look = () => {
    for (const shard of shards) {
      const owners = holders.filter(({ leases }) => leases.epochOf(shard) !== undefined);
      if (owners.length > 1) faults.push(`${owners.map(({ owner }) => owner)} trust ${shard}`);
      for (const { owner, leases } of owners) {
        const epoch = leases.epochOf(shard) ?? 0n;
        const before = last.get(shard);
        if (before !== undefined && before.owner !== owner && before.epoch >= epoch) {
          faults.push(`${owner} has shard ${shard} under the epoch of ${before.owner}`);
        }
        last.set(shard, { owner, epoch });
      }
    }
  };
  const timer = setInterval(look, 3);
  return () => clearInterval(timer);
}

const parts = () => holders.map((holder) => holder.trusted().length);
const partsBecome = (...wanted: number[]) => expect.poll(parts, { interval: 5 }).toEqual(wanted);

test("processes that join and leave share the shards in equal parts", async () => {
  await join("a");
  await partsBecome(256);
  await join("b");
  await partsBecome(128, 128);
  await join("c");
  await partsBecome(86, 86, 84);
  await holders.shift()?.leases.close();
  await partsBecome(128, 128);
});

test("shards leave when what was claimed of them is recorded", async () => {
  let recorded: () => void = () => undefined;
  const leaving: number[] = [];
  const a = await join("a", {
    onLeaving: (told) => {
      leaving.push(...told);
      return new Promise((done) => {
        recorded = done;
      });
    },
  });
  const b = await join("b");
  await expect.poll(() => leaving.length).toBe(128);
  expect(a.trusted().length).toBe(256);
  recorded();
  await partsBecome(128, 128);
  expect(b.trusted()).toEqual(leaving);
});

test("what is not recorded within two seconds keeps no shard longer", async () => {
  await join("a", { onLeaving: () => new Promise(() => undefined) });
  await join("b");
  await partsBecome(128, 128);
});

test("a frozen process stops before another takes over, and comes back under new epochs", async () => {
  const a = await join("a");
  const thaw = await a.freeze();
  await join("b");
  await partsBecome(0, 256);
  thaw();
  await partsBecome(128, 128);
  expect(a.leases.epochOf(a.trusted()[0] ?? -1)).toBeGreaterThanOrEqual(3n);
});

test("a dead process's shards are taken over, and when its right ended is told", async () => {
  const a = await join("a");
  const b = await join("b");
  await partsBecome(128, 128);
  await a.die();
  await partsBecome(0, 256);
  const { at, lapsedAt } = b.gains.at(-1) ?? { at: 0, lapsedAt: 0 };
  expect(lapsedAt).toBeGreaterThan(0);
  expect(lapsedAt).toBeLessThanOrEqual(at);
});

test("what is given back at the end is taken over, and when its owner ended is told", async () => {
  const a = await join("a");
  const b = await join("b");
  await partsBecome(128, 128);
  const gainsBefore = b.gains.length;
  const endedAt = performance.now();
  await a.leases.close();
  await partsBecome(0, 256);
  const gain = b.gains[gainsBefore];
  expect(gain?.lapsedAt ?? 0).toBeGreaterThanOrEqual(endedAt);
  expect(gain?.lapsedAt ?? 0).toBeLessThanOrEqual(gain?.at ?? 0);
});

test("a right ends when either clock says so, whatever the other one says", async () => {
  let wall = Date.now();
  const a = await join("a", { now: () => wall });
  wall += 1_700;
  expect(parts()).toEqual([0]);
  await partsBecome(256);
  const thaw = await a.freeze();
  wall -= 3_600_000;
  await partsBecome(0);
  thaw();
  await partsBecome(256);
});

test("rows that say otherwise than their holders, as after a lost answer, come right", async () => {
  const a = await join("a");
  const b = await join("b");
  await partsBecome(128, 128);
  await database.sql`update shards set owner = 'a' where owner = 'b'`;
  const rows = () =>
    database.sql<{ owner: string; epoch: bigint }[]>`
      select owner, epoch from shards order by shard
    `;
  await expect
    .poll(async () =>
      (await rows()).filter(({ owner, epoch }, shard) => {
        const [holder, other] = owner === "a" ? [a, b] : [b, a];
        const isOthers = other.leases.epochOf(shard) !== undefined;
        return holder.leases.epochOf(shard) === epoch && !isOthers;
      }),
    )
    .toHaveLength(256);
  await partsBecome(128, 128);
});

test("who was ended by the others meanwhile takes no shard", async () => {
  expect(await takeShards(database.sql, { owner: "ended", count: 256 })).toEqual([]);
  await join("a");
  await partsBecome(256);
});

test("a change of the configuration is told until it is in force", async () => {
  const told: bigint[] = [];
  await join("a", {
    onConfiguration: async (version) => {
      told.push(version);
      if (told.length === 2) throw new Error("The database is away.");
    },
  });
  await expect.poll(() => told.length).toBe(1);
  await database.sql`update configuration set version = version + 1`;
  await expect.poll(() => told.length).toBe(3);
  const [first = 0n] = told;
  expect(told).toEqual([first, first + 1n, first + 1n]);
});

test("a number that was given back is the last to be taken again", async () => {
  const { sql } = database;
  const take = (owner: string) =>
    takeOneLease(sql, { kind: "test", count: 3, owner, ttlMs: 60_000 });
  expect(await take("a")).toBe(0);
  await releaseLeases(sql, "a");
  expect([await take("b"), await take("c"), await take("d")]).toEqual([1, 2, 0]);
  expect(await take("e")).toBeUndefined();
});
