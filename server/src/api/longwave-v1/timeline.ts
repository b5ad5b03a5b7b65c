import type { Sql } from "../../db/sql.ts";
import type { Clock } from "../../lib/clock.ts";
import { notFound } from "../../lib/errors.ts";
import type { MessageSids } from "../../lib/sid.ts";
import { findMessage } from "../../messages/store.ts";
import { messageTimeline } from "../../messages/timeline.ts";
import {
  type Call,
  date,
  dateOrNull,
  listOf,
  objectOf,
  type Route,
  text,
  textOrNull,
} from "./route.ts";

export type TimelineNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly messageSids: MessageSids;
};

export function timelineRoutes(app: TimelineNeeds): Route[] {
  return [
    {
      method: "GET",
      path: "/Messages/{sid}/Timeline",
      id: "FetchTimeline",
      summary: "What happened to a message, and why",
      answer: { status: 200, schema },
      handle: (call) => fetchTimeline(app, call),
    },
  ];
}

async function fetchTimeline(app: TimelineNeeds, { account, params }: Call) {
  const sid = params.sid ?? "";
  const id = app.messageSids.idOf(sid);
  const message =
    id === undefined ? undefined : await findMessage(app.sql, { account: account.id, id });
  if (message === undefined) throw notFound(`The message '${sid}'`);
  const entries = await messageTimeline(app, message);
  return {
    message: {
      sid,
      direction: message.direction,
      from: message.sender === "" ? null : message.sender,
      to: message.recipient,
      status: message.status,
      num_segments: message.segments,
      error_code: message.errorCode ?? null,
      is_simulated: message.isSimulated,
      date_created: message.createdAt,
      date_sent: message.sentAt ?? null,
      date_updated: message.updatedAt,
    },
    timeline: entries.map(({ at, kind, words, rule, remedy, raw }) => ({
      at,
      kind,
      words,
      rule: rule ?? null,
      remedy: remedy ?? null,
      raw: raw ?? null,
    })),
  };
}

const schema = objectOf({
  message: objectOf({
    sid: text,
    direction: text,
    from: { ...textOrNull, description: "Null until its messaging service has chosen one." },
    to: text,
    status: text,
    num_segments: { type: "integer" },
    error_code: { type: ["integer", "null"] },
    is_simulated: { type: "boolean", description: "Only the simulator carried it." },
    date_created: date,
    date_sent: dateOrNull,
    date_updated: date,
  }),
  timeline: listOf(
    objectOf({
      at: date,
      kind: text,
      words: { ...text, description: "A plain sentence." },
      rule: { ...textOrNull, description: "The rule, limit or route that decided." },
      remedy: { ...textOrNull, description: "What to do." },
      raw: { ...textOrNull, description: "The carrier's own words." },
    }),
  ),
});
