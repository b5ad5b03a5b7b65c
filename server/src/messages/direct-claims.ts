import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import { type MessageId, shardOf } from "../lib/message-id.ts";
import type { AcceptedRow, DirectClaim, StoreVerdict } from "./accept-store.ts";
import type { Claim, ClaimedMessage } from "./claim-store.ts";
import { type Claimed, type Claimer, claimOf } from "./claimer.ts";
import { returnClaims } from "./doubt-store.ts";
import { type Lane, reserve } from "./lane.ts";
import type { LaneBook } from "./lane-book.ts";
import type { LaneReader } from "./lane-reader.ts";
import { forget } from "./lane-windows.ts";
import type { Pump } from "./pump.ts";

/**
 * Claims that messages get with the statement that stores them, so that what nothing holds up needs
 * no second one: it is never in the queue.
 */
export type DirectClaims = {
  /**
   * Resolves at once, or when their lanes' windows are read and the claims of these have their answers
   * where nothing else waits there: one batch that waits so lets all that follow leave at once.
   */
  readonly ready: (rows: readonly AcceptedRow[]) => Promise<void>;
  /** Takes a place on their way for those of a batch that may leave at once, in its order. */
  readonly propose: (rows: readonly AcceptedRow[]) => Proposal;
};

export type Proposal = {
  readonly owner: string;
  readonly claims: ReadonlyMap<MessageId, DirectClaim>;
  /** Sends what was claimed, and gives the places of the others back. */
  readonly settle: (verdicts: ReadonlyMap<MessageId, StoreVerdict>) => void;
};

export type DirectClaimsNeeds = {
  readonly hot: Sql;
  readonly owner: string;
  readonly epochOf: (shard: number) => bigint | undefined;
  readonly whenUnknownOf: (account: number) => ClaimedMessage["whenUnknown"];
  readonly book: LaneBook;
  readonly pump: Pick<Pump, "mayPass" | "soon">;
  readonly reader: Pick<LaneReader, "filled">;
  readonly claimer: Pick<Claimer, "answered" | "reserve" | "forget">;
  readonly onClaimed: (claimed: readonly { lane: Lane; claimed: Claimed }[]) => void;
  readonly isClosed: () => boolean;
  readonly onError: (error: unknown) => void;
};

/** A lane of which something waits that its windows do not show, or in `later`, goes through the queue so long. */
const DECLINED_MS = 1_000;

type Proposed = { readonly lane: Lane; readonly row: AcceptedRow; readonly claim: Claim };

type Machine = DirectClaimsNeeds & {
  /** Until when (monotonic) lanes whose claims were declined are not asked for again. */
  readonly declined: WeakMap<Lane, number>;
};

export function createDirectClaims(needs: DirectClaimsNeeds): DirectClaims {
  const app: Machine = { ...needs, declined: new WeakMap() };
  return {
    ready: async (rows) => {
      const isOpen = (lane: Lane | undefined): lane is Lane =>
        lane !== undefined && (lane.size + lane.claiming > 0 || lane.lacking !== 0);
      const lanes = [...new Set(rows.map((row) => laneOf(app, row)).filter(isOpen))];
      if (lanes.length === 0) return;
      const unknown = lanes.filter((lane) => lane.size === 0 && lane.lacking !== 0);
      await Promise.all(unknown.map((lane) => app.reader.filled(lane)));
      // The pump takes what was just offered at the end of this turn of the event loop.
      await new Promise((done) => setImmediate(done));
      const isPassing = (lane: Lane) => lane.size === 0 && lane.claiming > 0;
      if (lanes.some(isPassing)) await app.claimer.answered();
    },
    propose: (rows) => {
      const proposed: Proposed[] = [];
      const claims = new Map<MessageId, DirectClaim>();
      const heldUp = new Set<number>();
      for (const row of rows) {
        // What comes behind one that waits waits, too.
        if (heldUp.has(row.lane)) continue;
        const one = proposeOne(app, row);
        if (one === undefined) {
          heldUp.add(row.lane);
          continue;
        }
        proposed.push(one);
        claims.set(row.id, one.claim);
      }
      return {
        ...{ owner: app.owner, claims },
        settle: (verdicts) => settle(app, proposed, verdicts),
      };
    },
  };
}

/** Nothing for what goes through the queue: another owner's, without a sender yet, or perhaps stored already. */
function laneOf({ book, epochOf }: Machine, row: AcceptedRow): Lane | undefined {
  const shard = shardOf(row.id);
  if (epochOf(shard) === undefined || row.sender === "" || row.mayBeStored) return undefined;
  const { lane, account, pool, sender } = row;
  return book.laneFor({ shard, lane, account, pool, sender });
}

function proposeOne(app: Machine, row: AcceptedRow): Proposed | undefined {
  const { id, priority, segments, validUntil } = row;
  const lane = laneOf(app, row);
  const epoch = lane && app.epochOf(lane.shard);
  if (lane === undefined || epoch === undefined) return undefined;
  if (!app.pump.mayPass(lane, segments)) return undefined;
  if ((app.declined.get(lane) ?? 0) > performance.now()) return undefined;
  const connector = lane.way.channel.connector.name;
  const { shard, lane: number } = lane.row;
  const queued = { shard, lane: number, priority, id, attempt: 1, segments, validUntil };
  reserve(lane, segments);
  app.claimer.reserve(id, epoch);
  return { lane, row, claim: claimOf(queued, { connector, epoch }) };
}

function settle(
  app: Machine,
  proposed: readonly Proposed[],
  verdicts: ReadonlyMap<MessageId, StoreVerdict>,
): void {
  const claimed: { lane: Lane; claimed: Claimed }[] = [];
  const doubtful: Proposed[] = [];
  for (const one of proposed) {
    const { lane, row, claim } = one;
    const verdict = verdicts.get(row.id);
    if (verdict === "claimed") {
      claimed.push({ lane, claimed: { claim, message: messageOf(app, row) } });
    } else if (verdict === "claim unknown") doubtful.push(one);
    else {
      giveUp(app, one);
      if (verdict === "stored") decline(app, lane);
    }
  }
  if (doubtful.length > 0) returnDoubtful(app, doubtful).catch(app.onError);
  if (claimed.length > 0) app.onClaimed(claimed);
}

/** Its windows are read before anything else leaves: what was just stored comes after what they lack. */
function decline({ declined }: Machine, lane: Lane): void {
  declined.set(lane, performance.now() + DECLINED_MS);
  forget(lane);
}

/** An answer was lost: nothing of these was written, so that they may go to the queue for certain. */
async function returnDoubtful(app: Machine, doubtful: readonly Proposed[]) {
  const ids = doubtful.map(({ row }) => row.id);
  await untilStored(() => returnClaims(app.hot, ids, app.owner), app.isClosed);
  for (const one of doubtful) giveUp(app, one);
  app.book.forgetWindows();
  for (const { lane } of doubtful) app.book.touch(lane);
  app.pump.soon();
}

function giveUp({ claimer }: Machine, { lane, row }: Proposed): void {
  reserve(lane, -row.segments);
  claimer.forget(row.id);
}

function messageOf(app: Machine, row: AcceptedRow): ClaimedMessage {
  return {
    id: row.id,
    errorCode: null,
    account: row.account,
    sender: row.sender,
    recipient: row.recipient,
    body: row.body,
    statusCallback: row.statusCallback ?? null,
    isSimulated: row.isSimulated,
    whenUnknown: app.whenUnknownOf(row.account),
    onlyBy: null,
    options: row.options ?? null,
  };
}
