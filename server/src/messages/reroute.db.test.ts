import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestCarrier, startTestMessaging, type TestMessaging } from "../../test/messaging.ts";
import { recoverClaims } from "./doubt-store.ts";

const from = "+12025550177";
const one = createTestCarrier("one");
const two = createTestCarrier("two");
let messaging: TestMessaging;

/** Recipients that end in 2 go by the second carrier, and go on to the first when it refuses them. */
beforeAll(async () => {
  const carriers = { one: one.connector, two: { ...two.connector, carriesMedia: true } };
  messaging = await startTestMessaging({
    routeOf: () => ({ segmentsPerSecond: 1_000, connector: one.connector }),
    ways: {
      connectorNamed: (name) => carriers[name as keyof typeof carriers],
      pick: (_lane, recipient, refusedBy) => {
        const names = recipient.endsWith("2") ? (["two", "one"] as const) : (["one"] as const);
        const name = names.find((candidate) => !refusedBy.has(candidate));
        return name && carriers[name];
      },
    },
  });
});
afterAll(async () => {
  await messaging.close();
  expect(messaging.errors).toEqual([]);
});

const sql = () => messaging.database.sql;
const namesOf = (id: bigint) =>
  sql()<{ connector: string }[]>`select connector from claims where id = ${String(id)}::bigint`;

test("the claim names another connector before bytes leave by it", async () => {
  let named: readonly { connector: string }[] | undefined;
  two.answer = async (submission) => {
    named = await namesOf(submission.id);
    return { kind: "accepted", carrierMessageId: "m1" };
  };
  const message = await messaging.accept(from, { recipient: "+12025550162" });
  await messaging.becomes(message, "sent");
  expect(named).toEqual([{ connector: "two" }]);
  expect(two.submitted.map(({ id }) => id)).toEqual([message.id]);
  expect(one.submitted).toEqual([]);
  const [outcome] = await sql()`
    select connector from outcomes where id = ${String(message.id)}::bigint
  `;
  expect(outcome).toEqual({ connector: "two" });
});

test("a long text that one carrier refuses goes to the next with all of its parts", async () => {
  two.answer = () => ({ kind: "refused", errorCode: 21606, carrierCode: "x" });
  const long = { recipient: "+12025550172", body: "A long text. ".repeat(30) };
  const message = await messaging.accept(from, long);
  await messaging.becomes(message, "sent");
  const parts = one.submitted.filter(({ id }) => id === message.id);
  expect(parts.map(({ part }) => part)).toEqual([1, 2, 3]);
  const depths = await messaging.depths();
  expect(depths.map(({ counted, rows }) => counted - rows)).toEqual([0]);
});

test("a text whose carrier gave no answer before a crash goes to it and to no other", async () => {
  two.answer = () => ({ kind: "accepted", carrierMessageId: "m2" });
  one.slots = 0;
  const message = await messaging.accept(from, { recipient: "+12025550163" });
  const id = String(message.id);
  // As a process leaves it that died after the text had gone out by the second carrier.
  const [row] = await sql()<{ shard: number }[]>`
    with gone as (
      delete from queue where id = ${id}::bigint returning *
    ), counted as (
      update lane_departures set departed = departed + 1
      from gone where lane_departures.shard = gone.shard and lane_departures.lane = gone.lane
    )
    insert into claims (shard, id, lane, priority, attempt, segments, valid_until, connector, owner,
      epoch, claimed_at)
    select shard, id, lane, priority, attempt, segments, valid_until, 'two', 'dead', 0,
      now() - interval '1 hour'
    from gone
    returning shard
  `;
  const doubt = [{ shard: row?.shard ?? 0, epoch: 1_000_000n }];
  await recoverClaims(sql(), doubt, { owner: "test", underWay: [] });
  one.slots = 100;
  messaging.dispatcher.sweep();
  await messaging.becomes(message, "sent");
  expect(two.submitted.filter((submission) => submission.id === message.id)).toHaveLength(1);
  expect(one.submitted.filter((submission) => submission.id === message.id)).toEqual([]);
});

test("a message with media does not go on to a carrier that carries none", async () => {
  two.answer = () => ({ kind: "refused", errorCode: 21606, carrierCode: "x" });
  const media = [{ url: "https://shop.example/a.png", contentType: "image/png" }];
  const message = await messaging.accept(from, { recipient: "+12025550182", media });
  await messaging.becomes(message, "failed");
  expect(await messaging.find(message)).toMatchObject({ errorCode: 21606, segments: 1, media });
  expect(two.submitted.at(-1)).toMatchObject({ id: message.id, media: [media[0]?.url] });
  expect(one.submitted.filter(({ id }) => id === message.id)).toEqual([]);
});

test("a message with media fails by a carrier that carries none, before a byte leaves", async () => {
  const media = [{ url: "https://shop.example/a.png", contentType: "image/png" }];
  const message = await messaging.accept(from, { recipient: "+12025550191", media });
  await messaging.becomes(message, "failed");
  expect(await messaging.find(message)).toMatchObject({ errorCode: 21621 });
  expect(one.submitted.filter(({ id }) => id === message.id)).toEqual([]);
});
