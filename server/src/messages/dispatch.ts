import { SECOND } from "../lib/clock.ts";
import { shardOf } from "../lib/message-id.ts";
import type { AcceptedRow } from "./accept-store.ts";
import type { DirectClaims } from "./direct-claims.ts";
import { buildMachine, type DispatcherNeeds, type Machine } from "./dispatch-machine.ts";
import { createLaneHints } from "./lane-hints.ts";
import { sweep } from "./sweep.ts";

const SWEEP_MS = 1 * SECOND;
/** Sweeps: changes of routes and limits are told, and such as were not are found so much later. */
const WAYS_EVERY = 10;
const LEAVE_POLL_MS = 20;

export type Dispatcher = {
  /** How messages that this process stores are claimed at once. */
  readonly direct: DirectClaims;
  /** Messages just stored by this process. Returns the shards that another process owns. */
  readonly offer: (rows: readonly AcceptedRow[]) => readonly number[];
  /** Another process stored messages in these shards. */
  readonly hint: (shards: readonly number[]) => void;
  /** Looks at all lanes of ours now, not at the next sweep: some were paused or go on. */
  readonly sweep: () => void;
  /** Shards that became ours; others may have sent for them until `lapsedAt` (monotonic ms). */
  readonly gain: (shards: readonly number[], lapsedAt: number) => void;
  /** Claims nothing more from these shards; resolves when nothing of theirs is under way. */
  readonly leave: (shards: readonly number[]) => Promise<void>;
  /** A connector has free slots again. */
  readonly wake: () => void;
  /** Routes or limits have changed. */
  readonly reconfigure: () => void;
  readonly close: () => Promise<void>;
};

/** Sends what waits in the lanes of the shards that this process owns. */
export function createDispatcher(app: DispatcherNeeds): Dispatcher {
  const machine = buildMachine(app);
  const { book, claimer, writer, pump } = machine;
  let sweeping: Promise<unknown> = Promise.resolve();
  let sweeps = 0;
  const sweepSoon = () => {
    sweeps += 1;
    const looksAtWays = sweeps % WAYS_EVERY === 0;
    sweeping = sweeping.then(() => sweep(app, machine, { looksAtWays })).catch(app.onError);
  };
  const sweepTimer = setInterval(sweepSoon, SWEEP_MS);

  return {
    direct: machine.direct,
    offer: (rows) => offerStored(app, machine, rows),
    sweep: sweepSoon,
    hint: createLaneHints({
      ...{ ...app, book },
      onFound: (lane) => {
        machine.reader.fill(lane);
        book.touch(lane);
        pump.soon();
      },
    }),
    gain: (shards, lapsedAt) => {
      machine.doubts.gain(shards);
      writer.giveBackLost();
      book.gain(shards, lapsedAt);
      sweepSoon();
    },
    leave: async (shards) => {
      book.leave(shards);
      const left = new Set(shards);
      while (claimer.holdsAny(left)) await new Promise((done) => setTimeout(done, LEAVE_POLL_MS));
    },
    wake: () => {
      writer.writeStalled();
      pump.soon();
    },
    reconfigure: () => {
      book.reconfigure(true);
      writer.writeAll();
      pump.soon();
    },
    close: async () => {
      clearInterval(sweepTimer);
      pump.close();
      await Promise.all([sweeping, machine.assigner?.close()]);
      await claimer.close();
      await writer.close();
      await Promise.all([machine.rerouter.close(), machine.later.close()]);
      await machine.recorder.close();
      machine.end();
    },
  };
}

/** Returns the shards of those that another process is to send. */
function offerStored(
  app: Pick<DispatcherNeeds, "epochOf">,
  { book, pump }: Machine,
  rows: readonly AcceptedRow[],
): readonly number[] {
  const others = new Set<number>();
  for (const row of rows) {
    const shard = shardOf(row.id);
    if (app.epochOf(shard) === undefined) {
      others.add(shard);
      continue;
    }
    const { id, lane, priority, segments, validUntil, account, pool, sender } = row;
    const key = { shard, lane, account, pool, sender };
    // Written out: a spread of so many fields costs microseconds.
    book.offer({ shard, lane, priority, id, attempt: 1, segments, validUntil }, key);
  }
  pump.soon();
  return [...others];
}
