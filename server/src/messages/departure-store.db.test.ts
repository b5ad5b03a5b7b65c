import { expect, test } from "vitest";
import { createTestDatabase } from "../../test/database.ts";
import { DAY } from "../lib/clock.ts";
import { createIdWriter, dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import { type Departure, recordDepartures } from "./departure-store.ts";

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
