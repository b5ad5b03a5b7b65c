import type { Judged } from "../compliance/judge-message.ts";
import type { Verdict } from "../compliance/verdict.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { MessageId } from "../lib/message-id.ts";
import { type Choice, chooseSender, type Load, type ToSend } from "../senders/choose-sender.ts";
import type { CarriedSender } from "../senders/sender.ts";
import type { Service } from "../senders/service.ts";
import {
  type Assignment,
  assignMessages,
  readDepths,
  readRecipients,
  readUnassigned,
  type Unassigned,
} from "./assign-store.ts";
import { findOrInsertLane } from "./lane-store.ts";
import { MEDIA_NOT_CARRIED } from "./media.ts";
import type { LaneRow, QueuedRow } from "./queue-store.ts";

const BATCH_MAX = 500;
/** Services that are worked on at once; the others wait for their turn. */
const LANES_AT_ONCE_MAX = 4;
/** The service was deleted after it accepted the message. */
const SERVICE_GONE = 21701;

/** Gives the messages of services their senders: moves them from the service's lane to a sender's. */
export type Assigner = {
  /** A service's lane may have messages; asking again meanwhile costs nothing. */
  readonly look: (lane: LaneRow) => void;
  readonly close: () => Promise<void>;
};

export type AssignerNeeds = {
  readonly hot: Sql;
  readonly writer: EventWriter;
  readonly epochOf: (shard: number) => bigint | undefined;
  readonly pools: {
    readonly serviceOf: (account: number, sid: string) => Service | undefined;
    /** A sender as it is carried now; for a name, any that is well formed. */
    readonly carried: (account: number, sender: string) => CarriedSender | undefined;
    readonly isSimulated: (connector: string) => boolean;
    /** Whether a message with media may leave from this sender. */
    readonly mayCarryMedia?: (sender: CarriedSender) => boolean;
  };
  /** The rules' word on a message from this sender. */
  readonly judgeSender: (message: Judged) => Verdict;
  readonly routeOf: (lane: LaneRow) => object | undefined;
  /** Messages that stand in a sender's lane now. */
  readonly onQueued: (rows: readonly (QueuedRow & LaneRow)[]) => void;
  /** Events were written. */
  readonly onAssigned: () => void;
  readonly onError: (error: unknown) => void;
};

export function createAssigner(app: AssignerNeeds): Assigner {
  const waiting = new Map<number, LaneRow>();
  const working = new Map<number, Promise<void>>();
  const memory = createMemory(app);
  let isClosed = false;

  const work = async (lane: LaneRow) => {
    for (let isMore = true; isMore && !isClosed && app.epochOf(lane.shard) !== undefined; ) {
      isMore = await assignBatch(app, memory, lane);
    }
  };

  const next = () => {
    for (const [number, lane] of waiting) {
      if (working.size >= LANES_AT_ONCE_MAX || isClosed) return;
      if (working.has(number)) continue;
      waiting.delete(number);
      const done = work(lane)
        .catch(app.onError)
        .finally(() => {
          working.delete(number);
          next();
        });
      working.set(number, done);
    }
  };

  return {
    look: (lane) => {
      waiting.set(lane.lane, lane);
      next();
    },
    close: async () => {
      isClosed = true;
      await Promise.all(working.values());
    },
  };
}

/** What is remembered between batches: the lanes of senders, and whose turn it was. */
type Memory = {
  readonly laneOf: (of: LaneRow, sender: string) => Promise<number>;
  readonly lastChosen: (of: LaneRow, sender: string) => number;
  readonly choose: (of: LaneRow, sender: string) => void;
};

function createMemory({ hot }: Pick<AssignerNeeds, "hot">): Memory {
  const lanes = new Map<string, Promise<number>>();
  const turns = new Map<string, number>();
  let turn = 0;
  const nameOf = ({ account, pool }: LaneRow, sender: string) => `${account} ${pool} ${sender}`;
  return {
    laneOf: (of, sender) => {
      const name = nameOf(of, sender);
      const known = lanes.get(name);
      if (known !== undefined) return known;
      const found = findOrInsertLane(hot, of.shard, { ...of, sender });
      lanes.set(name, found);
      found.catch(() => lanes.delete(name));
      return found;
    },
    lastChosen: (of, sender) => turns.get(nameOf(of, sender)) ?? 0,
    choose: (of, sender) => {
      turn += 1;
      turns.set(nameOf(of, sender), turn);
    },
  };
}

/** Chooses for the head of the lane; tells whether there may be more behind it. */
async function assignBatch(app: AssignerNeeds, memory: Memory, lane: LaneRow): Promise<boolean> {
  const queued = await readUnassigned(app.hot, lane, BATCH_MAX);
  if (queued.length === 0) return false;
  const ids = queued.map(({ id }) => id);
  const [messages, depths] = await Promise.all([
    readRecipients(app.hot, lane, ids),
    readDepths(app.hot, lane),
  ]);
  const byId = new Map(messages.map((message) => [message.id, message]));
  const choose = createChooser(app, memory, {
    lane,
    depths: new Map(depths.map((one) => [one.sender, one.depth])),
  });
  const sticky = new Map<string, string>();
  const assignments: Assignment[] = [];
  for (const row of queued) {
    const message = byId.get(row.id);
    if (message === undefined) continue;
    const last = sticky.get(message.recipient) ?? message.sticky ?? undefined;
    const { segments, validUntil } = row;
    const { recipient, hasMedia } = message;
    const fallback = fallbackOf(app, lane, message.fallback);
    const choice = choose({ recipient, segments, validUntil, sticky: last, fallback, hasMedia });
    if (choice.kind === "chosen" && choice.isSticky) {
      sticky.set(message.recipient, choice.sender.number);
    }
    assignments.push(await assignmentOf(app, memory, { lane, queued: row, message, choice }));
  }
  const stickyRows = [...sticky].map(([recipient, sender]) => ({ recipient, sender }));
  const moved = await app.writer.commit(assignments.length, (stamp) =>
    assignMessages(app.hot, lane, { assignments, sticky: stickyRows }, stamp),
  );
  app.onQueued(assignments.flatMap((one) => queuedRowOf(one, { lane, moved })));
  app.onAssigned();
  return queued.length === BATCH_MAX;
}

type Chosen =
  | (Extract<Choice, { kind: "chosen" }> & { readonly isSticky: boolean })
  | (Omit<Extract<Choice, { kind: "none" }>, "errorCode"> & { readonly errorCode: number })
  | { readonly kind: "no service" };

/** Counts what it chose for, so that the next choice of the batch sees it. */
function createChooser(
  app: AssignerNeeds,
  memory: Memory,
  { lane, depths }: { readonly lane: LaneRow; readonly depths: Map<string, number> },
): (message: ToSend & { readonly validUntil: Date; readonly hasMedia: boolean }) => Chosen {
  const { account, pool } = lane;
  const service = app.pools.serviceOf(account, pool);
  const loadOf = (sender: CarriedSender): Load | undefined => {
    if (app.routeOf({ ...lane, sender: sender.number }) === undefined) return undefined;
    return {
      depth: depths.get(sender.number) ?? 0,
      lastChosen: memory.lastChosen(lane, sender.number),
    };
  };
  return (message) => {
    if (service === undefined) return { kind: "no service" };
    let refusal: number | undefined;
    const choice = chooseSender(service, message, {
      nameOf: (name) => app.pools.carried(account, name),
      isAllowed: (sender) => {
        if (message.hasMedia && app.pools.mayCarryMedia?.(sender) === false) {
          refusal = MEDIA_NOT_CARRIED;
          return false;
        }
        // Quiet hours are no matter of the sender: they are looked at when the message leaves.
        const verdict = app.judgeSender({
          ...{ account, sender: sender.number, connector: sender.connector },
          ...{ recipient: message.recipient, validUntil: message.validUntil },
          ...{ isKeywordReply: false, isMarketing: false },
        });
        if (verdict.kind === "refused") refusal = verdict.errorCode;
        return verdict.kind !== "refused";
      },
      loadOf,
    });
    // Where a rule stopped somebody and nobody else is left, its word is the reason.
    if (choice.kind === "none" && refusal !== undefined) return { ...choice, errorCode: refusal };
    if (choice.kind === "none") return choice;
    const { number } = choice.sender;
    depths.set(number, (depths.get(number) ?? 0) + message.segments);
    memory.choose(lane, number);
    return { ...choice, isSticky: service.stickySender && choice.rule !== "fallback" };
  };
}

/** In no other service, whose opt-outs would be passed by. */
function fallbackOf(
  app: Pick<AssignerNeeds, "pools">,
  { account, pool }: LaneRow,
  name: string | null,
): CarriedSender | undefined {
  const sender = name === null ? undefined : app.pools.carried(account, name);
  return sender?.service === null || sender?.service === pool ? sender : undefined;
}

async function assignmentOf(
  app: AssignerNeeds,
  memory: Memory,
  of: {
    readonly lane: LaneRow;
    readonly queued: QueuedRow;
    readonly message: Unassigned;
    readonly choice: Chosen;
  },
): Promise<Assignment> {
  const { lane, queued, message, choice } = of;
  const told = {
    to: message.recipient,
    ...{ service: lane.pool },
    ...(message.statusCallback === null ? {} : { callback: message.statusCallback }),
  };
  if (choice.kind !== "chosen") {
    const errorCode = choice.kind === "none" ? choice.errorCode : SERVICE_GONE;
    const excluded = choice.kind === "none" ? { excluded: choice.excluded } : {};
    return { queued, to: { errorCode }, data: { ...told, errorCode, ...excluded } };
  }
  const { sender, rule, candidates, excluded } = choice;
  return {
    queued,
    to: {
      lane: await memory.laneOf(lane, sender.number),
      sender: sender.number,
      isSimulated: app.pools.isSimulated(sender.connector),
    },
    data: { ...told, from: sender.number, rule, candidates, excluded },
  };
}

function queuedRowOf(
  { queued, to }: Assignment,
  { lane, moved }: { readonly lane: LaneRow; readonly moved: ReadonlySet<MessageId> },
): (QueuedRow & LaneRow)[] {
  if (!("lane" in to) || !moved.has(queued.id)) return [];
  const { account, pool } = lane;
  return [{ ...queued, account, pool, lane: to.lane, sender: to.sender }];
}
