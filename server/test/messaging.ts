import { expect } from "vitest";
import { allowed, type Verdict } from "../src/compliance/verdict.ts";
import type { Connector, Submission, SubmitResult } from "../src/connectors/connector.ts";
import { createEventWriter } from "../src/events/log.ts";
import { systemClock as clock } from "../src/lib/clock.ts";
import { createIdWriter } from "../src/lib/message-id.ts";
import { createAccepter } from "../src/messages/accept.ts";
import type { Claimed } from "../src/messages/claimer.ts";
import type { NewMessage } from "../src/messages/decide-message.ts";
import { createDispatcher } from "../src/messages/dispatch.ts";
import type { DispatcherNeeds } from "../src/messages/dispatch-machine.ts";
import type { LaneRoute } from "../src/messages/lane-ways.ts";
import type { Message, MessageStatus } from "../src/messages/message.ts";
import type { LaneRow } from "../src/messages/queue-store.ts";
import { findMessage } from "../src/messages/store.ts";
import { createDayLimits, type DayLimit } from "../src/throughput/day-limits.ts";
import { holdShards, type ShardLeases } from "../src/throughput/leases.ts";
import { createLimiters } from "../src/throughput/limiters.ts";
import { createTestDatabase, insertTestAccount } from "./database.ts";

export type TestMessaging = Awaited<ReturnType<typeof startTestMessaging>>;

/** A far end in memory: what it got, and what it answers. */
export function createTestCarrier(name = "carrier") {
  const submitted: Submission[] = [];
  const far = {
    submitted,
    slots: 100,
    answer: (submission: Submission): SubmitResult | Promise<SubmitResult> => ({
      kind: "accepted",
      carrierMessageId: `${submission.id}-${submission.part}`,
    }),
  };
  const connector: Connector = {
    ...{ name, carrierAccount: name, isSimulated: false, optOutsUpstream: false },
    freeSlots: () => far.slots,
    submit: (submission) => {
      submitted.push(submission);
      return Promise.resolve(far.answer(submission));
    },
    state: () => ({ phase: "bound", window: 100, inFlight: 0 }),
    close: () => Promise.resolve(),
  };
  return Object.assign(far, { connector });
}

/** Accept and dispatch of one process, on a database of its own and with a carrier in memory. */
export async function startTestMessaging(
  options: {
    routeOf?: (lane: LaneRow) => LaneRoute | undefined;
    ways?: Pick<DispatcherNeeds, "pick" | "connectorNamed">;
    /** Of the account, as the books tell it. */
    whenUnknown?: "resend" | "hold";
  } = {},
) {
  const database = await createTestDatabase();
  const { sql, hot } = database;
  const carrier = createTestCarrier();
  /** Of all lanes. */
  const route: { segmentsPerSecond: number; dayLimits?: readonly DayLimit[] } = {
    segmentsPerSecond: 1000,
  };
  const rules = { judge: (_claimed: Claimed): Verdict => allowed };
  const account = await insertTestAccount(sql);
  const writer = () => createEventWriter({ sql, owner: "test" });
  const limiters = createLimiters();
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  let leases: ShardLeases | undefined;
  const dayLimits = createDayLimits({
    ...{ sql, owner: "test", clock, onError, life: () => leases?.life() },
  });
  const dispatcher = createDispatcher({
    ...{ priceOf: () => undefined, whenUnknownOf: () => options.whenUnknown ?? "resend" },
    ...{ hot, clock, owner: "test", onError, onRecorded: () => undefined },
    epochOf: (shard) => leases?.epochOf(shard),
    writers: { claims: writer(), departures: writer(), deferrals: writer() },
    judge: (claimed) => rules.judge(claimed),
    routeOf: options.routeOf ?? (() => ({ ...route, connector: carrier.connector })),
    ...{ limiters, dayLimits, carrierKey: (id) => id },
    ...options.ways,
  });
  const gained: [readonly number[], number][] = [];
  const held = await holdShards({
    ...{ sql, owner: "test", now: () => clock().getTime(), onError },
    onGained: (...gain) => gained.push(gain),
  });
  leases = held;
  for (const gain of gained) dispatcher.gain(...gain);
  const accepter = createAccepter({
    ...{ hot, bulk: hot, clock, newId: createIdWriter(1, () => clock().getTime()) },
    writers: { single: writer(), bulk: writer() },
    isSimulated: () => false,
    judge: () => allowed,
    direct: dispatcher.direct,
    onStored: (rows) => dispatcher.offer(rows),
  });
  const text = (from: string, changes: Partial<NewMessage> = {}): NewMessage => ({
    sender: {
      number: from,
      segmentsPerSecond: 1000,
      maxQueueSeconds: 36_000,
      connector: "carrier",
    },
    ...{ account, recipient: "+12025550123", body: "Hello", direction: "outbound-api" },
    ...changes,
  });

  return {
    ...{ database, carrier, rules, route, account, dispatcher, errors, limiters, text },
    accept: (from: string, changes?: Partial<NewMessage>) => accepter.accept(text(from, changes)),
    acceptBulk: accepter.acceptBulk,
    find: ({ id }: Pick<Message, "id">) => findMessage(sql, { account, id }),
    becomes: async ({ id }: Pick<Message, "id">, status: MessageStatus) => {
      const find = async () => (await findMessage(sql, { account, id }))?.status;
      await expect.poll(find).toBe(status);
    },
    /** Segments that each lane holds by its counters, and by its rows. */
    depths: () => sql<{ lane: number; counted: number; rows: number }[]>`
      select lane, (accepted - departed)::int as counted, (
        select coalesce(sum(segments), 0)::int
        from (
          select segments from queue where queue.shard = lanes.shard and queue.lane = lanes.lane
          union all
          select segments from later where later.shard = lanes.shard and later.lane = lanes.lane
        ) as waiting
      ) as rows
      from lanes
      join lane_departures using (shard, lane)
      order by lane
    `,
    close: async () => {
      await accepter.close();
      await dispatcher.close();
      await dayLimits.close();
      await held.close();
      await database.close();
    },
  };
}
