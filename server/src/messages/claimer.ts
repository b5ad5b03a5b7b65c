import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import { type MessageId, shardOf } from "../lib/message-id.ts";
import { type Claim, type ClaimedMessage, claimMessages } from "./claim-store.ts";
import { returnClaims } from "./doubt-store.ts";
import type { Lane } from "./lane.ts";
import type { QueuedRow } from "./queue-store.ts";

const CLAIM_BATCH_MAX = 500;

export type Claimed = { readonly claim: Claim; readonly message: ClaimedMessage };

type Wanted = { readonly lane: Lane; readonly claim: Claim; readonly generation: number };

/** What this process has taken out of the queue and not recorded yet. */
export type Claimer = {
  readonly isTaken: (id: MessageId) => boolean;
  /** What was taken of these shards under another epoch than now, and is not recorded yet. */
  readonly takenBefore: (epochOf: ReadonlyMap<number, bigint>) => MessageId[];
  /** Whether messages of these shards are taken. */
  readonly holdsAny: (shards: ReadonlySet<number>) => boolean;
  /** Claims a message with its batch; false when it is taken already. */
  readonly take: (
    lane: Lane,
    queued: QueuedRow,
    by: Pick<Claim, "connector" | "epoch" | "charges">,
  ) => boolean;
  /** Resolves when every claim that is asked for by now has its answer, or is given back. */
  readonly answered: () => Promise<unknown>;
  /** It is claimed by the statement that stores it: nothing else may take it. */
  readonly reserve: (id: MessageId, epoch: bigint) => void;
  /** It is recorded, or another owner has it. */
  readonly forget: (id: MessageId) => void;
  readonly close: () => Promise<void>;
};

export type ClaimerNeeds = {
  readonly hot: Sql;
  readonly owner: string;
  readonly writer: EventWriter;
  /** Messages of a batch that may leave now, in the order of their claims. */
  readonly onClaimed: (claimed: readonly { lane: Lane; claimed: Claimed }[]) => void;
  /** A message that will not leave: canceled, failed, or another owner's. */
  readonly onDropped: (lane: Lane, claim: Claim, message: ClaimedMessage | undefined) => void;
  /** Lost claims were given back: windows lack them. */
  readonly onReturned: () => void;
  readonly isClosed: () => boolean;
  readonly onError: (error: unknown) => void;
};

export function createClaimer(app: ClaimerNeeds): Claimer {
  /** With the epoch under which they were taken. */
  const taken = new Map<MessageId, bigint>();
  let lastAsked: Promise<unknown> = Promise.resolve();
  const batcher = createBatcher<Wanted, undefined>({
    batchMax: CLAIM_BATCH_MAX,
    run: async (batch) => {
      // Taken from a window that was given up since: another that it had before was refused.
      const current = batch.filter(({ lane, generation }) => lane.generation === generation);
      const claims = current.map((one) => one.claim);
      const messages = claims.length === 0 ? [] : await claim(app, claims);
      const byId = new Map(messages?.map((message) => [message.id, message]));
      const claimed: { lane: Lane; claimed: Claimed }[] = [];
      for (const one of batch) {
        one.lane.claiming -= 1;
        const message = byId.get(one.claim.id);
        settleCharges(one.claim, messages && { isClaimed: message?.errorCode === null });
        if (message?.errorCode === null) {
          claimed.push({ lane: one.lane, claimed: { claim: one.claim, message } });
          continue;
        }
        taken.delete(one.claim.id);
        app.onDropped(one.lane, one.claim, message);
      }
      app.onClaimed(claimed);
      return batch.map(() => undefined);
    },
  });

  return {
    isTaken: (id) => taken.has(id),
    takenBefore: (epochOf) =>
      [...taken].flatMap(([id, epoch]) => {
        const now = epochOf.get(shardOf(id));
        return now === undefined || now === epoch ? [] : [id];
      }),
    holdsAny: (shards) => {
      for (const id of taken.keys()) if (shards.has(shardOf(id))) return true;
      return false;
    },
    take: (lane, queued, by) => {
      // A message that was just stored is offered, and may stand in a window that was just read.
      if (taken.has(queued.id)) return false;
      taken.set(queued.id, by.epoch);
      lane.claiming += 1;
      const { generation } = lane;
      lastAsked = batcher.add({ lane, claim: claimOf(queued, by), generation }).catch(app.onError);
      return true;
    },
    answered: () => lastAsked,
    reserve: (id, epoch) => taken.set(id, epoch),
    forget: (id) => taken.delete(id),
    close: batcher.close,
  };
}

/** Written out, as all objects made for each message: a claim always has the same shape. */
export function claimOf(
  queued: QueuedRow,
  by: Pick<Claim, "connector" | "epoch" | "charges">,
): Claim {
  return {
    shard: queued.shard,
    lane: queued.lane,
    priority: queued.priority,
    id: queued.id,
    attempt: queued.attempt,
    segments: queued.segments,
    validUntil: queued.validUntil,
    connector: by.connector,
    epoch: by.epoch,
    charges: by.charges,
  };
}

function settleCharges({ charges }: Claim, known: { isClaimed: boolean } | undefined): void {
  const end = known?.isClaimed === true ? "counted" : "not counted";
  for (const charge of charges ?? []) charge.settle(known === undefined ? "unknown" : end);
}

/**
 * After a lost answer nothing was written, so the claims may go back for certain; whether they were
 * stored before is not known.
 */
async function claim(
  app: ClaimerNeeds,
  claims: readonly Claim[],
): Promise<ClaimedMessage[] | undefined> {
  try {
    return await app.writer.commit(claims.length, (stamp) =>
      claimMessages(app.hot, claims, app.owner, stamp),
    );
  } catch (error) {
    app.onError(error);
  }
  try {
    const ids = claims.map(({ id }) => id);
    await untilStored(() => returnClaims(app.hot, ids, app.owner), app.isClosed);
    app.onReturned();
  } catch (error) {
    app.onError(error);
  }
  return undefined;
}
