import type { Account } from "../../accounts/account.ts";
import type { AccountBook } from "../../accounts/account-book.ts";
import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { ApiError, notFound } from "../../lib/errors.ts";
import { isSid } from "../../lib/sid.ts";
import { shardOfPool } from "../../messages/decide-message.ts";
import { laneName, laneStatus, parseLaneName } from "../../messages/lane-status.ts";
import {
  findLane,
  findOrInsertLane,
  holdLane,
  listLanes,
  type StoredLane,
} from "../../messages/lane-store.ts";
import { capacityOf } from "../../senders/choose-sender.ts";
import type { SenderBook } from "../../senders/sender-book.ts";
import { updateSenderLimits } from "../../senders/store.ts";
import { limitSchemas } from "./inventory.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import { type Call, count, objectOf, type Route, text, textOf, textOrNull } from "./route.ts";

export type LaneNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly accountBook: Pick<AccountBook, "byId" | "bySid">;
  readonly senderBook: Pick<SenderBook, "find" | "refresh">;
  /** Tells the owners of lanes that some were paused or go on. */
  readonly tellOwners: () => Promise<void>;
};

const rate = { type: ["number", "null"], minimum: 0 };
const lane = objectOf({
  lane: { ...text, description: "Its sender; for a messaging service MG…:sender." },
  account_sid: text,
  pool: { ...text, description: "A messaging service (MG…), or the sender alone." },
  sender: text,
  connector: { ...textOrNull, description: "null: the account does not hold the sender." },
  depth: { ...count, description: "Segments that wait." },
  capacity: { ...count, type: ["integer", "null"], description: "Segments that may wait." },
  max_queue_seconds: { ...count, type: ["integer", "null"] },
  segments_per_second: { ...rate, description: "The limit in force." },
  measured_segments_per_second: { type: "number", description: "Over the last five seconds." },
  seconds_to_drain: {
    ...{ ...count, type: ["integer", "null"] },
    description: "Until what waits has left; null: not known, as nothing leaves.",
  },
  phase: {
    enum: [
      ...["idle", "sending", "paced", "window full", "throttled", "reconnecting", "paused"],
      ...["draining", "no route", "waiting", "capped"],
    ],
  },
  is_paused: { type: "boolean" },
  is_draining: { type: "boolean" },
  limit: {
    description: "What keeps it from sending faster now; null: nothing.",
    oneOf: [
      { type: "null" },
      objectOf({
        name: {
          ...text,
          description:
            "The kind of its limiter (sender, campaign, account…), brand day, or window, carrier, connection, pause, drain, route.",
        },
        words: text,
        set_by: text,
        remedy: text,
      }),
    ],
  },
});
const change = {
  type: "object",
  minProperties: 1,
  properties: {
    is_paused: { type: "boolean", description: "Nothing leaves." },
    is_draining: { type: "boolean", description: "Nothing new is taken (21611)." },
    ...limitSchemas,
  },
};
const accountQuery = {
  AccountSid: { ...text, description: "A subaccount, for the account that owns it." },
};

export function laneRoutes(app: LaneNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Lanes",
      id: "ListLanes",
      summary: "The account's lanes: how much waits, and what limits it",
      query: {
        ...{ ...pageQuery, ...accountQuery },
        Busy: {
          type: "string",
          enum: ["true", "false"],
          description: "true: only those that hold something, are paused or drained.",
        },
      },
      answer: { status: 200, schema: pageSchema("lanes", lane) },
      handle: (call) => list(app, call),
    },
    {
      method: "GET",
      path: "/Lanes/{lane}",
      id: "FetchLane",
      summary: "One lane: how much waits, and what limits it",
      query: accountQuery,
      answer: { status: 200, schema: lane },
      handle: async (call) => {
        const at = placeOf(app, call);
        return describe(app, at.account, await find(app, at));
      },
    },
    {
      method: "POST",
      path: "/Lanes/{lane}",
      id: "UpdateLane",
      summary: "Pausing, resuming or draining a lane; for the operator also its sender's limits",
      query: accountQuery,
      body: { type: "json", schema: change },
      answer: { status: 200, schema: lane },
      handle: (call) => update(app, call),
    },
  ];
}

async function list(app: LaneNeeds, call: Call) {
  const account = accountOf(app, call);
  const page = readPage(call, 2);
  const [pool = "", sender = ""] = page.after ?? [];
  const lanes = await listLanes(app.sql, {
    ...{ account: account.id, isBusy: call.query.Busy === "true", limit: page.limit },
    after: page.after && { pool, sender },
  });
  return {
    lanes: lanes.map((stored) => describe(app, account, stored)),
    ...pageOf("lanes", lanes, page, (stored) => [stored.pool, stored.sender]),
  };
}

/** By the schema. */
type Change = {
  is_paused?: boolean;
  is_draining?: boolean;
  segments_per_second?: number;
  max_queue_seconds?: number;
};

async function update(app: LaneNeeds, call: Call) {
  const given = call.body as Change;
  const at = placeOf(app, call);
  const limits = {
    segmentsPerSecond: given.segments_per_second,
    maxQueueSeconds: given.max_queue_seconds,
  };
  const isLimit = Object.values(limits).some((value) => value !== undefined);
  if (isLimit) refuseStranger(call);
  await make(app, at);
  if (isLimit) {
    const held = { account: at.account.id, number: at.sender };
    if (!(await updateSenderLimits(app.sql, held, limits, app.clock()))) throw unknownLane(at);
    await app.senderBook.refresh();
  }
  await holdLane(app.sql, keyOf(at), {
    ...(given.is_paused === undefined ? {} : { pausedBy: byWhom(given.is_paused, call) }),
    ...(given.is_draining === undefined ? {} : { drainedBy: byWhom(given.is_draining, call) }),
  });
  await app.tellOwners();
  return describe(app, at.account, await find(app, at));
}

function byWhom(isHeld: boolean, { account }: Call): string | null {
  return isHeld ? account.sid : null;
}

/** Limits come from a contract with a carrier: who runs this Longwave keeps to it. */
function refuseStranger({ account }: Call): void {
  if (account.parent === undefined) return;
  throw new ApiError(
    403,
    20403,
    "Only the operator changes a sender's limits. Use the credentials of the first account.",
  );
}

type Place = { readonly account: Account; readonly pool: string; readonly sender: string };

function placeOf(app: LaneNeeds, call: Call): Place {
  return { account: accountOf(app, call), ...parseLaneName(call.params.lane ?? "") };
}

/** The caller's own account, or a subaccount that it owns. */
function accountOf(app: LaneNeeds, call: Call): Account {
  const sid = textOf(call.query.AccountSid);
  if (sid === undefined) return call.account;
  const account = isSid("AC", sid) ? app.accountBook.bySid(sid) : undefined;
  const isOwned = account?.id === call.account.id || account?.parent === call.account.id;
  if (account !== undefined && isOwned) return account;
  throw notFound(`The account '${sid}'`);
}

async function find(app: LaneNeeds, at: Place): Promise<StoredLane> {
  const found = await findLane(app.sql, keyOf(at));
  if (found === undefined) throw unknownLane(at);
  return found;
}

/** A lane is there from its first message on, or from the first time that somebody holds it. */
async function make(app: LaneNeeds, at: Place): Promise<void> {
  const key = keyOf(at);
  if ((await findLane(app.sql, key)) !== undefined) return;
  const isHeld = app.senderBook.find(at.account.id, at.sender) !== undefined;
  if (!isHeld || at.pool !== at.sender) throw unknownLane(at);
  await findOrInsertLane(app.sql, key.shard, key);
}

function keyOf({ account, pool, sender }: Place) {
  return { account: account.id, pool, sender, shard: shardOfPool(account.id, pool) };
}

function unknownLane(at: Place): ApiError {
  return notFound(`The lane '${laneName(at)}'`);
}

function describe(app: LaneNeeds, account: Account, stored: StoredLane) {
  const sender = app.senderBook.find(account.id, stored.sender);
  const { phase, limit, ...rates } = laneStatus(stored, sender);
  return {
    lane: laneName(stored),
    account_sid: account.sid,
    pool: stored.pool,
    sender: stored.sender,
    connector: sender?.connector ?? null,
    depth: stored.depth,
    capacity: sender === undefined ? null : capacityOf(sender),
    max_queue_seconds: sender?.maxQueueSeconds ?? null,
    segments_per_second: rates.segmentsPerSecond ?? null,
    measured_segments_per_second: rates.measuredPerSecond,
    seconds_to_drain: rates.secondsToDrain ?? null,
    phase,
    is_paused: stored.pausedBy !== null,
    is_draining: stored.drainedBy !== null,
    limit:
      limit === undefined
        ? null
        : {
            ...{ name: limit.name, words: limit.words },
            ...{ set_by: limit.setBy, remedy: limit.remedy },
          },
  };
}
