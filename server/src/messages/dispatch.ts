import type { Connector } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type Clock, SECOND } from "../lib/clock.ts";
import { type MessageId, SHARD_COUNT, shardOf } from "../lib/message-id.ts";
import { createLimiter } from "../throughput/limiter.ts";
import type { AcceptedRow } from "./accept-store.ts";
import {
  type Claim,
  type ClaimedMessage,
  claimMessages,
  type Departure,
  findBusyLanes,
  holdClaim,
  type LaneRow,
  type QueuedRow,
  readLane,
  recordDepartures,
  recoverClaims,
  returnClaims,
} from "./dispatch-store.ts";
import { createFlight, partsOf } from "./flight.ts";
import { createLane, type Lane, WINDOW_MAX } from "./lane.ts";
import { createPartWriter } from "./write-parts.ts";

/** A claim is made at most this long before its bytes may leave. */
const CLAIM_AHEAD_MS = 50;
const CLAIM_BATCH_MAX = 500;
const RECORD_BATCH_MAX = 1_000;
const SWEEP_MS = 1 * SECOND;
/** A new limiter knows nothing of the last second's segments. */
const LIMITER_WINDOW_MS = 1 * SECOND;
const LANES_READ_AT_ONCE_MAX = 4;

export type DispatcherNeeds = {
  readonly hot: Sql;
  readonly clock: Clock;
  readonly owner: string;
  readonly epochOf: (shard: number) => bigint | undefined;
  readonly writers: { readonly claims: EventWriter; readonly departures: EventWriter };
  /** The sender's throughput and connector; nothing when the account no longer holds it. */
  readonly routeOf: (
    lane: LaneRow,
  ) => { readonly segmentsPerSecond: number; readonly connector: Connector } | undefined;
  readonly carrierKey: (carrierMessageId: string) => string;
  readonly onRecorded: () => void;
  readonly onError: (error: unknown) => void;
};

export type Dispatcher = {
  /** Messages just stored by this process. */
  readonly offer: (rows: readonly AcceptedRow[]) => void;
  readonly gain: (shards: readonly number[], notBefore: number) => void;
  /** A connector has free slots again. */
  readonly wake: () => void;
  readonly close: () => Promise<void>;
};

/** Sends what waits in the lanes of the shards that this process owns. */
export function createDispatcher(app: DispatcherNeeds): Dispatcher {
  const lanes = new Map<number, Lane>();
  const busy = new Set<Lane>();
  const taken = new Set<MessageId>();
  const startAfter = new Map<number, number>();
  let reading = 0;
  let isClosed = false;
  let isPumping = false;
  let pumpTimer: NodeJS.Timeout | undefined;

  const laneFor = (row: LaneRow): Lane | undefined => {
    const known = lanes.get(row.lane);
    if (known !== undefined) return known;
    const route = app.routeOf(row);
    if (route === undefined) return undefined;
    const limiter = createLimiter(route.segmentsPerSecond);
    limiter.waitUntil(startAfter.get(row.shard) ?? 0);
    const lane = createLane(row, limiter, (id) => taken.has(id));
    lanes.set(row.lane, lane);
    return lane;
  };

  const recorder = createBatcher<Departure, undefined>({
    batchMax: RECORD_BATCH_MAX,
    run: async (departures) => {
      await untilStored(
        () =>
          app.writers.departures.commit(departures.length, (stamp) =>
            recordDepartures(app.hot, departures, stamp),
          ),
        () => isClosed,
      );
      for (const { claim } of departures) taken.delete(claim.id);
      app.onRecorded();
      return departures.map(() => undefined);
    },
  });

  const writer = createPartWriter({
    clock: app.clock,
    carrierKey: app.carrierKey,
    connectorOf: (lane) => app.routeOf(lane.row)?.connector,
    epochOf: (lane) => (isClosed ? undefined : app.epochOf(lane.row.shard)),
    lose: (flight) => taken.delete(flight.claim.id),
    depart: (departure) => {
      recorder.add(departure).catch(app.onError);
    },
    hold: (flight, because) => {
      untilStored(
        () => holdClaim(app.hot, flight.claim.id, because),
        () => isClosed,
      ).catch(app.onError);
    },
    onTaken: () => schedule(0),
  });

  const claimer = createBatcher<{ lane: Lane; claim: Claim }, undefined>({
    batchMax: CLAIM_BATCH_MAX,
    run: async (batch) => {
      const claims = batch.map(({ claim }) => claim);
      const messages = await claim(claims).catch((error: unknown) => {
        app.onError(error);
        return [];
      });
      const byId = new Map(messages.map((message) => [message.id, message]));
      const claimedAt = app.clock();
      const toWrite = new Set<Lane>();
      let failed = 0;
      for (const { lane, claim } of batch) {
        const message = byId.get(claim.id);
        if (message?.errorCode === null) {
          writer.add(lane, partsOf(createFlight(claim, message, claimedAt)));
          toWrite.add(lane);
          continue;
        }
        failed += message === undefined ? 0 : 1;
        writer.reserve(lane, -claim.segments);
        taken.delete(claim.id);
      }
      for (const lane of toWrite) writer.write(lane);
      if (failed > 0) app.onRecorded();
      schedule(0);
      return batch.map(() => undefined);
    },
  });

  /** After a lost answer nothing was written, so the claims may go back for certain. */
  const claim = async (claims: readonly Claim[]): Promise<ClaimedMessage[]> => {
    try {
      return await app.writers.claims.commit(claims.length, (stamp) =>
        claimMessages(app.hot, claims, app.owner, stamp),
      );
    } catch (error) {
      const ids = claims.map(({ id }) => id);
      await untilStored(
        () => returnClaims(app.hot, ids, app.owner),
        () => isClosed,
      );
      for (const lane of lanes.values()) lane.forget();
      throw error;
    }
  };

  const take = (lane: Lane, queued: QueuedRow, connector: string, epoch: bigint) => {
    // A message that was just stored is offered, and may stand in a window that was just read, too.
    if (taken.has(queued.id)) return;
    taken.add(queued.id);
    writer.reserve(lane, queued.segments);
    claimer.add({ lane, claim: { ...queued, connector, epoch } }).catch(app.onError);
  };

  /** Claims from each lane what its limiter and its connector's window would take now. */
  const pump = () => {
    isPumping = false;
    if (isClosed) return;
    const now = performance.now();
    const slots = new Map<Connector, number>();
    let soonest = Number.POSITIVE_INFINITY;
    for (const lane of [...busy]) {
      if (lane.unread().length > 0) readSoon(lane);
      const route = app.routeOf(lane.row);
      const epoch = app.epochOf(lane.row.shard);
      if (route === undefined || epoch === undefined) continue;
      if (route.segmentsPerSecond !== lane.limiter.segmentsPerSecond) {
        lane.limiter = createLimiter(route.segmentsPerSecond);
        lane.limiter.waitUntil(now + LIMITER_WINDOW_MS);
      }
      let free =
        slots.get(route.connector) ??
        route.connector.freeSlots() - writer.reservedFor(route.connector);
      while (free > 0 && lane.size() > 0) {
        const earliest = Math.max(lane.limiter.earliest(lane.reserved), lane.notBefore);
        if (earliest > now + CLAIM_AHEAD_MS) {
          soonest = Math.min(soonest, earliest - CLAIM_AHEAD_MS);
          break;
        }
        const queued = lane.next();
        if (queued === undefined) break;
        take(lane, queued, route.connector.name, epoch);
        free -= queued.segments;
      }
      slots.set(route.connector, free);
      if (lane.size() === 0 && lane.unread().length === 0) busy.delete(lane);
    }
    if (soonest < Number.POSITIVE_INFINITY) schedule(Math.max(1, soonest - now));
  };

  const schedule = (ms: number) => {
    if (ms === 0) {
      if (isPumping) return;
      isPumping = true;
      setImmediate(pump);
      return;
    }
    clearTimeout(pumpTimer);
    pumpTimer = setTimeout(pump, ms);
  };

  const waitingToRead = new Set<Lane>();
  const readSoon = (lane: Lane) => {
    waitingToRead.add(lane);
    while (reading < LANES_READ_AT_ONCE_MAX && waitingToRead.size > 0) {
      const [next] = waitingToRead;
      if (next === undefined) return;
      waitingToRead.delete(next);
      reading += 1;
      readWindow(next)
        .catch(app.onError)
        .finally(() => {
          reading -= 1;
          schedule(0);
        });
    }
  };

  const readWindow = async (lane: Lane) => {
    for (const priority of lane.unread()) {
      lane.beginRead(priority);
      const { shard, lane: number } = lane.row;
      const rows = await readLane(app.hot, {
        ...{ shard, lane: number, priority, afterId: 0n, limit: WINDOW_MAX },
      });
      lane.endRead(priority, rows, rows.length < WINDOW_MAX);
    }
  };

  const ownedShards = () => {
    const shards: number[] = [];
    const epochs: bigint[] = [];
    for (let shard = 0; shard < SHARD_COUNT; shard += 1) {
      const epoch = app.epochOf(shard);
      if (epoch === undefined) continue;
      shards.push(shard);
      epochs.push(epoch);
    }
    return { shards, epochs };
  };

  /** Finds what no hint told of: other processes' messages, claims in doubt, ended validity. */
  const sweep = async () => {
    const owned = ownedShards();
    if (owned.shards.length === 0) return;
    await recoverClaims(app.hot, owned);
    for (const row of await findBusyLanes(app.hot, owned.shards)) {
      const lane = laneFor(row);
      if (lane === undefined) continue;
      if (lane.size() === 0) lane.forget();
      busy.add(lane);
      const epoch = app.epochOf(row.shard);
      if (epoch === undefined) continue;
      for (const queued of lane.takeExpired(app.clock())) take(lane, queued, "none", epoch);
    }
    writer.writeAll();
    schedule(0);
  };

  let sweeping: Promise<unknown> = Promise.resolve();
  const sweepTimer = setInterval(() => {
    sweeping = sweeping.then(sweep).catch(app.onError);
  }, SWEEP_MS);

  return {
    offer: (rows) => {
      for (const row of rows) {
        const shard = shardOf(row.id);
        if (app.epochOf(shard) === undefined) continue;
        const lane = laneFor({ ...row, shard });
        if (lane === undefined) continue;
        lane.offer({ ...row, shard, attempt: 1 });
        busy.add(lane);
      }
      schedule(0);
    },
    gain: (shards, notBefore) => {
      for (const shard of shards) startAfter.set(shard, notBefore);
      for (const lane of lanes.values()) {
        if (!shards.includes(lane.row.shard)) continue;
        lane.limiter.waitUntil(notBefore);
        lane.forget();
      }
      sweeping = sweeping.then(sweep).catch(app.onError);
    },
    wake: () => {
      writer.writeAll();
      schedule(0);
    },
    close: async () => {
      clearInterval(sweepTimer);
      clearTimeout(pumpTimer);
      await sweeping;
      await claimer.close();
      await writer.close();
      await recorder.close();
      isClosed = true;
    },
  };
}
