import { afterEach, beforeEach, expect, test } from "vitest";
import { startTestMessaging, type TestMessaging } from "../../test/messaging.ts";
import type { Sql } from "../db/sql.ts";
import { createEventWriter, type EventWriter } from "../events/log.ts";
import { systemClock as clock, HOUR } from "../lib/clock.ts";
import { createIdWriter, type MessageId } from "../lib/message-id.ts";
import { type AcceptedRow, storeAccepted } from "./accept-store.ts";
import { shardOfPool } from "./decide-message.ts";
import { findOrInsertLane } from "./lane-store.ts";
import { storeUntilCertain } from "./store-until-certain.ts";

const SENDER = "+12025550001";
const newId = createIdWriter(2, () => clock().getTime());

let started: TestMessaging;
let lane: number;
let shard: number;

/** The lane's windows are read once it has sent a text: from then on nothing waits in it. */
beforeEach(async () => {
  started = await startTestMessaging();
  shard = shardOfPool(started.account, SENDER);
  const first = await started.accept(SENDER);
  await started.becomes(first, "sent");
  const key = { account: started.account, pool: SENDER, sender: SENDER };
  lane = await findOrInsertLane(started.database.sql, shard, key);
});
afterEach(() => started.close());

/** Segments that ever waited in the lane. */
async function waited(): Promise<number> {
  const [row] = await started.database.sql<{ accepted: number }[]>`
    select accepted::int from lanes where shard = ${shard} and lane = ${lane}
  `;
  return row?.accepted ?? 0;
}

function newRow(): AcceptedRow {
  return {
    ...{ id: newId(shard), account: started.account, lane, pool: SENDER, sender: SENDER },
    ...{ laneCapacity: 1_000, recipient: "+12025550123", direction: "outbound-api" },
    ...{ body: "Hello", encoding: "GSM-7", segments: 1, priority: 2 },
    validUntil: new Date(clock().getTime() + HOUR),
    ...{ statusCallback: undefined, mayBeStored: false, isSimulated: false, options: undefined },
  };
}

async function commit<Result>(run: (writer: EventWriter) => Promise<Result>): Promise<Result> {
  const writer = createEventWriter({ sql: started.database.sql, owner: "acceptor" });
  const result = await run(writer);
  await writer.close();
  return result;
}

const idsSent = () => started.carrier.submitted.map(({ id }) => id);

test("a text that nothing holds up is claimed as it is stored, and leaves once", async () => {
  const before = await waited();
  const texts = await Promise.all(Array.from({ length: 40 }, () => started.accept(SENDER)));
  await expect.poll(() => started.carrier.submitted.length).toBe(41);
  expect(idsSent().slice(1)).toEqual(texts.map(({ id }) => id));
  expect(await waited()).toBe(before);
  await started.becomes(texts[39] as { id: MessageId }, "sent");
  expect(await started.depths()).toEqual([{ lane, counted: 0, rows: 0 }]);
  const [left] = await started.database.sql`select count(*)::int from claims`;
  expect(left).toEqual({ count: 0 });
});

test("the first text of a lane waits for its windows to be read, and then for nothing", async () => {
  const other = "+12025550002";
  await started.becomes(await started.accept(other), "sent");
  const [counted] = await started.database.sql`
    select accepted::int from lanes where account = ${started.account} and pool = ${other}
  `;
  expect(counted).toEqual({ accepted: 0 });
});

test("texts that come without a pause leave the queue again, once nothing holds them up", async () => {
  started.carrier.slots = 3;
  let isOver = false;
  const bursts = Array.from({ length: 8 }, async () => {
    // Less than the lane's 1,000 a second, but never a pause of all.
    for (; !isOver; await new Promise((done) => setTimeout(done, 20))) await started.accept(SENDER);
  });
  try {
    await expect.poll(waited).toBeGreaterThan(20);
    started.carrier.slots = 100;
    const waitMore = async () => {
      const before = await waited();
      await new Promise((done) => setTimeout(done, 200));
      return (await waited()) - before;
    };
    await expect.poll(waitMore, { timeout: 20_000 }).toBe(0);
  } finally {
    isOver = true;
    await Promise.all(bursts);
  }
}, 30_000);

test("texts beyond what the carrier's window and the limit take now wait behind each other", async () => {
  const before = await waited();
  started.carrier.slots = 3;
  const texts = await Promise.all(Array.from({ length: 10 }, () => started.accept(SENDER)));
  await expect.poll(() => started.carrier.submitted.length).toBe(11);
  expect(idsSent().slice(1)).toEqual(texts.map(({ id }) => id));
  expect(await waited()).toBe(before + 7);
});

test("a text passes none that another process stored before it in its lane", async () => {
  const before = newRow();
  await commit((writer) =>
    writer.commit(1, (stamp) =>
      storeAccepted(started.database.hot, { rows: [before], isAgain: false }, stamp),
    ),
  );
  const after = await started.accept(SENDER);
  await expect.poll(() => started.carrier.submitted.length).toBe(3);
  expect(idsSent().slice(1)).toEqual([before.id, after.id]);
});

test.each([
  ["its owner's right has ended", `update owners set expires_at = now() - interval '1 second'`],
  ["its shard has another epoch", `update shards set epoch = epoch + 1`],
  ["its account is suspended", `update accounts set status = 'suspended'`],
  ["its lane is paused", `update lanes set paused_by = 'AC1'`],
])("a text whose claim was proposed goes to the queue when %s", async (_when, change) => {
  const row = newRow();
  const direct = started.dispatcher.direct.propose([row]);
  expect(direct.claims.size).toBe(1);
  const verdicts = await commit((writer) =>
    writer.commit(1, (stamp) =>
      started.database.sql.begin(async (transaction) => {
        await transaction.unsafe(change);
        const sql = transaction as unknown as Sql;
        const found = await storeAccepted(sql, { rows: [row], isAgain: false, direct }, stamp);
        const [claims] = await sql`select count(*)::int from claims`;
        expect(claims).toEqual({ count: 0 });
        await sql`delete from queue`;
        return found;
      }),
    ),
  );
  direct.settle(verdicts);
  expect(verdicts).toEqual(new Map([[row.id, "stored"]]));
  expect(idsSent()).not.toContain(row.id);
});

test("a text whose answer was lost is given back to the queue, and leaves once", async () => {
  const row = newRow();
  const { hot } = started.database;
  const direct = started.dispatcher.direct.propose([row]);
  const verdicts = await commit((writer) =>
    storeUntilCertain({ hot, isClosed: () => false }, { rows: [row], direct }, loseFirst(writer)),
  );
  expect(verdicts).toEqual(new Map([[row.id, "claim unknown"]]));
  direct.settle(verdicts);
  await started.becomes(row, "sent");
  expect(idsSent().filter((id) => id === row.id)).toEqual([row.id]);
  expect(await started.depths()).toEqual([{ lane, counted: 0, rows: 0 }]);
});

/** Its first batch is committed, and nobody hears of it. */
function loseFirst(writer: EventWriter): EventWriter {
  let isFirst = true;
  return {
    ...writer,
    commit: async (count, run) => {
      const result = await writer.commit(count, run);
      if (!isFirst) return result;
      isFirst = false;
      throw Object.assign(new Error("The connection was lost."), { code: "CONNECTION_CLOSED" });
    },
  };
}
