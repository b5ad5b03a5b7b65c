import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { createIdWriter } from "../lib/message-id.ts";
import { insertOwner, takeShards } from "../throughput/store.ts";
import { claimMessages } from "./claim-store.ts";

test("only the owner of the shard claims, under its epoch and while its heartbeat lives", async () => {
  const { sql, hot, close } = await createTestDatabase();
  const shard = 5;
  const id = createIdWriter(1, () => Date.now())(shard);
  await sql`
    insert into queue (shard, lane, priority, id, attempt, segments, valid_until)
    values (${shard}, 1, 0, ${String(id)}::bigint, 1, 1, now())
  `;
  await insertOwner(sql, { owner: "ours", ttlMs: 60_000 });
  await insertOwner(sql, { owner: "other", ttlMs: 60_000 });
  const owned = await takeShards(sql, { owner: "ours", count: 256 });
  const epoch = owned.find((row) => row.shard === shard)?.epoch ?? 0n;
  const isTaken = async (owner: string, claimEpoch: bigint) => {
    const queued = { shard, lane: 1, priority: 0, id, attempt: 1, segments: 1 } as const;
    const claim = { ...queued, validUntil: new Date(), connector: "carrier", epoch: claimEpoch };
    await claimMessages(hot, [claim], owner, { writer: 1n, firstSeq: 1n });
    return (await sql`select from queue`).length === 0;
  };
  expect(await isTaken("other", epoch)).toBe(false);
  expect(await isTaken("ours", epoch - 1n)).toBe(false);
  await sql`update owners set expires_at = now() where owner = 'ours'`;
  expect(await isTaken("ours", epoch)).toBe(false);
  await sql`update owners set expires_at = now() + interval '1 minute' where owner = 'ours'`;
  expect(await isTaken("ours", epoch)).toBe(true);
  await close();
});
