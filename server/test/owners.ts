import type { Connector, Submission } from "../src/connectors/connector.ts";
import type { Sql } from "../src/db/sql.ts";
import { createEventWriter } from "../src/events/log.ts";
import { systemClock as clock } from "../src/lib/clock.ts";
import { SHARD_COUNT } from "../src/lib/message-id.ts";
import { createDispatcher } from "../src/messages/dispatch.ts";
import type { LaneRoute } from "../src/messages/lane-ways.ts";
import type { LaneRow } from "../src/messages/queue-store.ts";
import { createDayLimits } from "../src/throughput/day-limits.ts";
import { holdShards, type ShardLeases } from "../src/throughput/leases.ts";
import { createLimiters } from "../src/throughput/limiters.ts";
import { createQuotas } from "../src/throughput/quotas.ts";
import type { TestDatabase } from "./database.ts";

/** A submission as it left, whichever owner sent it. */
export type Left = Submission & { readonly at: number; readonly owner: string };

export type Owner = Awaited<ReturnType<typeof startOwner>>;

export type Routing = (
  lane: LaneRow,
  by: { readonly connector: Connector; readonly isShared: boolean },
) => LaneRoute;

/**
 * A process that dispatches, beside others on one database. Frozen, it renews nothing, hears nothing
 * of its carrier and sends nothing: for the others it is dead, until it is thawed.
 */
export async function startOwner(app: {
  readonly database: TestDatabase;
  readonly name: string;
  readonly left: Left[];
  readonly routing: Routing;
  readonly onError: (error: unknown) => void;
}) {
  const { name: owner, onError } = app;
  const ice = createIce();
  const { hot, sql: warm } = app.database;
  const sql = ice.overSql(warm);
  const now = () => clock().getTime();
  const writer = () => createEventWriter({ sql: warm, owner });
  let leases: ShardLeases | undefined;
  const life = () => leases?.life();
  const epochOf = (shard: number) => (ice.isFrozen() ? undefined : leases?.epochOf(shard));
  const quotas = createQuotas({ sql, owner, life, now, onError });
  const dayLimits = createDayLimits({ sql, owner, life, clock, onError });
  const connector = createFarEnd(owner, app.left, ice.wait);
  const dispatcher = createDispatcher({
    ...{ hot, clock, owner, onError, epochOf, dayLimits },
    ...{ onRecorded: () => undefined, priceOf: () => undefined, carrierKey: (id) => id },
    whenUnknownOf: () => "resend",
    writers: { claims: writer(), departures: writer(), deferrals: writer() },
    judge: () => ({ kind: "allowed" }),
    routeOf: (lane) => app.routing(lane, { connector, isShared: leases?.holdsAll() !== true }),
    limiters: createLimiters({ quotas }),
  });
  const gained: [readonly number[], number][] = [];
  leases = await holdShards({
    ...{ sql, owner, now, onError },
    onGained: (...gain) => {
      if (leases === undefined) gained.push(gain);
      else dispatcher.gain(...gain);
    },
    onLeaving: (shards) => dispatcher.leave(shards),
  });
  for (const gain of gained) dispatcher.gain(...gain);
  const held = leases;
  return {
    owns: (shard: number) => held.epochOf(shard) !== undefined,
    countOwned: () => shards.filter((shard) => held.epochOf(shard) !== undefined).length,
    ...{ name: owner, dispatcher, freeze: ice.freeze, thaw: ice.thaw, isFrozen: ice.isFrozen },
    close: async () => {
      ice.thaw();
      await dispatcher.close();
      await quotas.close();
      await dayLimits.close();
      await held.close();
    },
  };
}

const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

/** What waits while it is frozen. */
function createIce() {
  let thawed: Promise<void> | undefined;
  let thaw = () => {};
  const wait = async () => {
    while (thawed !== undefined) await thawed;
  };
  return {
    wait,
    isFrozen: () => thawed !== undefined,
    freeze: () => {
      thawed ??= new Promise<void>((done) => {
        thaw = () => {
          thawed = undefined;
          done();
        };
      });
    },
    thaw: () => thaw(),
    /** Its statements wait; it is for functions that hand no part of a statement to another. */
    overSql: (sql: Sql): Sql =>
      new Proxy(sql, {
        apply: (target, self, args) =>
          thawed === undefined
            ? Reflect.apply(target, self, args)
            : wait().then(() => Reflect.apply(target, self, args)),
        get: (target, name) =>
          name === "begin"
            ? async (run: Parameters<Sql["begin"]>[1]) => {
                await wait();
                return target.begin(run);
              }
            : Reflect.get(target, name),
      }),
  };
}

function createFarEnd(owner: string, left: Left[], wait: () => Promise<void>): Connector {
  let open = 0;
  return {
    ...{ name: "carrier", carrierAccount: "carrier", isSimulated: false, optOutsUpstream: false },
    freeSlots: () => 20 - open,
    submit: async (submission) => {
      open += 1;
      left.push({ ...submission, owner, at: performance.now() });
      await new Promise((answered) => setTimeout(answered, 10));
      await wait();
      open -= 1;
      return { kind: "accepted", carrierMessageId: `${submission.id}-${submission.part}-${owner}` };
    },
    state: () => ({ phase: "bound", window: 20, inFlight: open }),
    close: () => Promise.resolve(),
  };
}
