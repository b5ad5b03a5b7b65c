import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createIdWriter, type MessageId } from "../lib/message-id.ts";
import { insertOwner } from "../throughput/store.ts";
import { findOldClaims, recoverClaims } from "./doubt-store.ts";
import { findOrInsertLane } from "./lane-store.ts";

const SHARD = 5;
const NOW_EPOCH = 9n;
const newId = createIdWriter(1, () => Date.now());
let database: TestDatabase;
let lane = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  const { sql } = database;
  await sql`
    insert into accounts (sid, friendly_name, status, auth_token, created_at, updated_at)
    values ('AC1', 'Test', 'active', '', now(), now())
  `;
  lane = await findOrInsertLane(sql, SHARD, { account: 1, pool: "1", sender: "1" });
  await sql`update lane_departures set departed = 10 where shard = ${SHARD} and lane = ${lane}`;
  await insertOwner(sql, { owner: "ours", ttlMs: 60_000 });
  await insertOwner(sql, { owner: "living", ttlMs: 60_000 });
});
afterAll(() => database.close());

/** A claim of an owner that has lost the shard since. */
async function claimedBy(owner: string, secondsAgo = 1): Promise<MessageId> {
  const { sql } = database;
  const id = newId(SHARD);
  await sql`
    insert into claims
      (shard, id, lane, priority, attempt, segments, valid_until, connector, owner, epoch, claimed_at)
    values (${SHARD}, ${String(id)}::bigint, ${lane}, 2, 1, 1, now() + interval '1 hour', 'carrier',
      ${owner}, ${String(NOW_EPOCH - 1n)}::bigint, now() - make_interval(secs => ${secondsAgo}))
  `;
  return id;
}

async function isRecovered(id: MessageId, underWay: readonly MessageId[] = []): Promise<boolean> {
  const owned = [{ shard: SHARD, epoch: NOW_EPOCH }];
  await recoverClaims(database.hot, owned, { owner: "ours", underWay });
  const rows = await database.sql`select from queue where id = ${String(id)}::bigint`;
  return rows.length === 1;
}

test("what a dead process had claimed goes back to the queue", async () => {
  expect(await isRecovered(await claimedBy("dead"))).toBe(true);
});

test("a process that lives has half a minute to record what it had claimed", async () => {
  expect(await isRecovered(await claimedBy("living", 25))).toBe(false);
  expect(await isRecovered(await claimedBy("living", 31))).toBe(true);
});

test("what we had claimed before we lost the shard waits for its record as long as we have it under way", async () => {
  const id = await claimedBy("ours", 100);
  expect(await isRecovered(id, [id])).toBe(false);
  expect(await isRecovered(id)).toBe(true);
});

test("claims of ours that have been open for long are found, to be compared with those that we know", async () => {
  const [old, young] = [await claimedBy("ours", 31), await claimedBy("ours", 1)];
  const ours = { owner: "ours", shards: [SHARD], ageSeconds: 30 };
  const found = await findOldClaims(database.hot, ours);
  expect(found).toContain(old);
  expect(found).not.toContain(young);
});
