import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { DAY } from "../lib/clock.ts";
import { createIdWriter, dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import { insertOwner, takeShards } from "../throughput/store.ts";
import { claimMessages, type Departure, recordDepartures } from "./dispatch-store.ts";

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

test("what was recorded before, as by an owner that was lost, is not recorded again; its neighbours are", async () => {
  const { sql, hot, close } = await createTestDatabase();
  const newId = createIdWriter(1, () => Date.now());
  const [known, fresh] = [newId(5), newId(200)];
  const record = (ids: readonly MessageId[], firstSeq: bigint) =>
    recordDepartures(hot, ids.map(departureOf), {
      ...{ stamp: { writer: 1n, firstSeq }, priceOf: () => undefined },
    });
  await record([known], 1n);
  await record([known, fresh], 2n);
  const once = [known, fresh].map((id) => ({ shard: shardOf(id), id }));
  expect(await sql`select shard, id from outcomes order by id`).toEqual(once);
  expect(await sql`select shard, id from submissions order by id`).toEqual(once);
  expect(await sql`select id from events order by id`).toEqual([{ id: known }, { id: fresh }]);
  await close();
});

test("a second attempt is recorded beside the first, each once", async () => {
  const { sql, hot, close } = await createTestDatabase();
  const departure = departureOf(createIdWriter(1, () => Date.now())(5));
  const submissions = [1, 2].flatMap((attempt) =>
    departure.submissions.map((submission) => ({ ...submission, attempt })),
  );
  const options = { stamp: { writer: 1n, firstSeq: 1n }, priceOf: () => undefined };
  await recordDepartures(hot, [{ ...departure, submissions: submissions.slice(0, 1) }], options);
  await sql`delete from outcomes`; // as if it had been put off after the first
  await recordDepartures(hot, [{ ...departure, submissions }], {
    ...{ ...options, stamp: { writer: 1n, firstSeq: 2n } },
  });
  expect(await sql`select attempt from submissions order by attempt`).toEqual([
    { attempt: 1 },
    { attempt: 2 },
  ]);
  await close();
});

test("a batch over midnight goes to the days of its ids", async () => {
  const { sql, hot, close } = await createTestDatabase();
  const midnight = Math.floor(Date.now() / DAY) * DAY;
  const ids = [-1, 0].map((ms) => createIdWriter(1, () => midnight + ms)(5));
  await recordDepartures(hot, ids.map(departureOf), {
    ...{ stamp: { writer: 1n, firstSeq: 1n }, priceOf: () => undefined },
  });
  const rows = await sql`select id, day from outcomes order by id`;
  expect(rows).toEqual(ids.map((id) => ({ id, day: dayOf(id) })));
  await close();
});

function departureOf(id: MessageId): Departure {
  const submittedAt = new Date();
  return {
    claim: {
      ...{ shard: shardOf(id), lane: 1, priority: 0, id, attempt: 1, segments: 1, epoch: 1n },
      ...{ validUntil: submittedAt, connector: "carrier" },
    },
    message: {
      ...{
        id,
        errorCode: null,
        account: 1,
        sender: "+1",
        recipient: "+12025550123",
        body: "Hello",
      },
      ...{ statusCallback: null, isSimulated: false, whenUnknown: "resend", options: null },
    },
    ...{ status: "sent", errorCode: undefined, sentAt: submittedAt },
    waits: { queueMs: 1, paceMs: 1 },
    submissions: [
      {
        ...{ id, part: 1, parts: 1, attempt: 1, connector: "carrier", carrierAccount: "carrier" },
        ...{ carrierMessageId: String(id), carrierKey: String(id), answer: "accepted" },
        ...{ carrierCode: undefined, submittedAt },
      },
    ],
  };
}
