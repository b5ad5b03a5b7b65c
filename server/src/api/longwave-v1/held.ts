import type { Account } from "../../accounts/account.ts";
import type { AccountBook } from "../../accounts/account-book.ts";
import type { Sql } from "../../db/sql.ts";
import type { EventWriter, Stamp } from "../../events/log.ts";
import { invalidParameter } from "../../lib/errors.ts";
import type { MessageId } from "../../lib/message-id.ts";
import type { MessageSids } from "../../lib/sid.ts";
import {
  expireHeld,
  type HeldMessage,
  type HeldScope,
  listHeld,
  releaseHeld,
} from "../../messages/held-store.ts";
import { pageOf, pageQuery, pageSchema, readPage } from "./page.ts";
import { type Call, count, date, objectOf, type Route, text } from "./route.ts";

export type HeldNeeds = {
  readonly sql: Sql;
  readonly messageSids: MessageSids;
  readonly accountBook: Pick<AccountBook, "byId">;
  readonly changes: EventWriter;
};

/** Of one request; who has more to decide asks again. */
const SIDS_MAX = 1_000;

const held = objectOf({
  sid: text,
  account_sid: text,
  from: text,
  to: text,
  num_segments: count,
  because: { ...text, description: "Why it is held, as a sentence." },
  date_held: date,
  valid_until: { ...date, description: "Released later than this, it fails with 30036." },
});
const decided = objectOf({
  decided: { ...count, description: "How many messages this request decided about." },
  is_more: { type: "boolean", description: "Without sids: whether others are held still." },
});
const choice = {
  type: "json",
  schema: {
    type: "object",
    properties: {
      sids: {
        ...{ type: "array", items: text, minItems: 1, maxItems: SIDS_MAX },
        description: `Which ones; without it the next ${SIDS_MAX} of all.`,
      },
    },
  },
} as const;

export function heldRoutes(app: HeldNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Held",
      id: "ListHeld",
      summary:
        "Messages that nobody sends until somebody decides; the operator sees every account's",
      query: pageQuery,
      answer: { status: 200, schema: pageSchema("held", held) },
      handle: (call) => list(app, call),
    },
    {
      method: "POST",
      path: "/Held/Release",
      id: "ReleaseHeld",
      summary: "Sending held messages after all",
      body: choice,
      answer: { status: 200, schema: decided },
      handle: (call) => decide(app, call, releaseHeld),
    },
    {
      method: "POST",
      path: "/Held/Expire",
      id: "ExpireHeld",
      summary: "Failing held messages with 30036",
      body: choice,
      answer: { status: 200, schema: decided },
      handle: (call) => decide(app, call, expireHeld),
    },
  ];
}

async function list(app: HeldNeeds, call: Call) {
  const page = readPage(call, 1);
  const after = page.after?.[0];
  const messages = await listHeld(app.sql, scopeOf(call.account), {
    after: after === undefined ? undefined : app.messageSids.idOf(after),
    limit: page.limit,
  });
  const sidOf = ({ id }: HeldMessage) => app.messageSids.sidOf(id);
  return {
    held: messages.map((message) => ({
      sid: sidOf(message),
      account_sid: app.accountBook.byId(message.account)?.sid ?? "",
      from: message.sender,
      to: message.recipient,
      num_segments: message.segments,
      because: message.because,
      date_held: message.heldSince,
      valid_until: message.validUntil,
    })),
    ...pageOf("held", messages, page, (message) => [sidOf(message)]),
  };
}

type Decision = (
  sql: Sql,
  scope: HeldScope,
  ids: readonly MessageId[],
  stamp: Stamp,
) => Promise<MessageId[]>;

async function decide(app: HeldNeeds, { account, body }: Call, decision: Decision) {
  const scope = scopeOf(account);
  const { sids } = (body ?? {}) as { sids?: string[] }; // by the schema
  const limit = SIDS_MAX;
  const next = async () => await listHeld(app.sql, scope, { after: undefined, limit });
  const ids = sids?.map((sid) => readId(app, sid)) ?? (await next()).map(({ id }) => id);
  if (ids.length === 0) return { decided: 0, is_more: false };
  const done = await app.changes.commit(ids.length, (stamp) =>
    decision(app.sql, scope, ids, stamp),
  );
  return { decided: done.length, is_more: sids === undefined && ids.length === limit };
}

function readId(app: HeldNeeds, sid: string): MessageId {
  const id = app.messageSids.idOf(sid);
  if (id !== undefined) return id;
  throw invalidParameter("sids", `'${sid}' is not the sid of a message.`);
}

/** The operator decides for everybody. */
function scopeOf(account: Account): HeldScope {
  return { accounts: account.parent === undefined ? undefined : [account.id] };
}
