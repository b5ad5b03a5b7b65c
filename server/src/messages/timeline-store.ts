import type { Sql } from "../db/sql.ts";
import { dayOf, type MessageId, shardOf } from "../lib/message-id.ts";
import type { ChoiceData } from "./choice-words.ts";

export type TimelineRows = {
  readonly events: readonly {
    readonly at: Date;
    readonly kind: string;
    readonly data: ChoiceData & {
      readonly errorCode?: number;
      readonly why?: string;
      readonly until?: string;
      readonly waits?: { readonly queueMs: number; readonly paceMs: number };
    };
  }[];
  readonly submissions: readonly {
    readonly part: number;
    readonly parts: number;
    readonly attempt: number;
    readonly connector: string;
    readonly carrierMessageId: string | null;
    readonly answer: string;
    readonly carrierCode: string | null;
    readonly submittedAt: Date;
    readonly receiptStatus: string | null;
    readonly receiptCode: string | null;
    readonly receiptAt: Date | null;
  }[];
  readonly attempts: readonly {
    readonly at: Date;
    readonly about: string;
    readonly attempt: number;
    readonly url: string;
    readonly httpStatus: number | null;
    readonly error: string | null;
    readonly durationMs: number;
  }[];
  readonly claim: { readonly at: Date; readonly heldBecause: string | null } | undefined;
  readonly wait: { readonly dueAt: Date; readonly why: string } | undefined;
  readonly place: { readonly ahead: number; readonly lane: number } | undefined;
};

const ROWS_MAX = 1_000;
/** A queue is counted so far: it may hold millions. */
export const AHEAD_MAX = 10_000;

/**
 * Everything that is written about one message. The day of its id is by a process's clock, that of its
 * events by the database's: around midnight they may be on the day before.
 */
export async function readTimeline(sql: Sql, id: MessageId): Promise<TimelineRows> {
  const [shard, text, day] = [shardOf(id), String(id), dayOf(id)];
  const [events, submissions, attempts, claims, waits, places] = await Promise.all([
    sql<TimelineRows["events"][number][]>`
      select at, kind, data
      from events
      where id = ${text}::bigint and day >= ${day}::date - 1 and kind <> 'accepted'
      order by at, writer, seq
      limit ${ROWS_MAX}
    `,
    sql<TimelineRows["submissions"][number][]>`
      select part, parts, attempt, connector, carrier_message_id as "carrierMessageId", answer,
        carrier_code as "carrierCode", submitted_at as "submittedAt",
        receipt_status as "receiptStatus", receipt_code as "receiptCode", receipt_at as "receiptAt"
      from submissions
      where shard = ${shard} and id = ${text}::bigint and day >= ${day}::date
      order by submitted_at, part
      limit ${ROWS_MAX}
    `,
    sql<TimelineRows["attempts"][number][]>`
      select at, about, attempt, url, http_status as "httpStatus", error,
        duration_ms as "durationMs"
      from callback_attempts
      where id = ${text}::bigint and day >= ${day}::date - 1
      order by at
      limit ${ROWS_MAX}
    `,
    sql<{ at: Date; heldBecause: string | null }[]>`
      select claimed_at as at, held_because as "heldBecause"
      from claims
      where shard = ${shard} and id = ${text}::bigint
    `,
    sql<{ dueAt: Date; why: string }[]>`
      select due_at as "dueAt", why
      from later
      where shard = ${shard} and id = ${text}::bigint
    `,
    sql<{ ahead: number; lane: number }[]>`
      select own.lane, (
        select count(*)
        from (
          select from queue others
          where others.shard = own.shard and others.lane = own.lane
            and others.priority <= own.priority and others.id < own.id
          limit ${AHEAD_MAX}
        ) as counted
      )::int as ahead
      from messages
      join queue own on own.shard = messages.shard and own.lane = messages.lane
        and own.priority = messages.priority and own.id = messages.id
      where messages.shard = ${shard} and messages.id = ${text}::bigint
        and messages.day = ${day}::date
    `,
  ]);
  const [claim, wait, place] = [claims[0], waits[0], places[0]];
  return { events, submissions, attempts, claim, wait, place };
}
