import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import type { MessageId } from "../lib/message-id.ts";
import type { Priority } from "./message.ts";

/** A message that waits in a lane. */
export type QueuedRow = {
  readonly shard: number;
  readonly lane: number;
  readonly priority: Priority;
  readonly id: MessageId;
  readonly attempt: number;
  readonly segments: number;
  readonly validUntil: Date;
};

export type LaneRow = {
  readonly shard: number;
  readonly lane: number;
  readonly account: number;
  readonly pool: string;
  readonly sender: string;
};

/**
 * Lanes that have something to send now among the shards that we own, except those that we know of:
 * what waits in `later` is not in the queue.
 */
export async function findBusyLanes(
  sql: Sql,
  shards: readonly number[],
  known: readonly number[] = [],
): Promise<LaneRow[]> {
  return sql<LaneRow[]>`
    select lanes.shard, lanes.lane, account, pool, sender
    from lanes
    join lane_departures as gone on gone.shard = lanes.shard and gone.lane = lanes.lane
    where lanes.shard = any(${shards as number[]}::smallint[]) and accepted > departed
      and lanes.lane not in (select unnest(${arrayOf(known, (lane) => lane)}::int[]))
      and exists (
        select from queue
        where queue.shard = lanes.shard and queue.lane = lanes.lane
        offset 0
      )
    limit 100000
  `;
}

/** One priority of a lane, and how many messages of it are wanted. */
export type LaneHead = {
  readonly shard: number;
  readonly lane: number;
  readonly priority: Priority;
  readonly most: number;
};

/** The first messages of each, in order. */
export async function readHeads(sql: Sql, heads: readonly LaneHead[]): Promise<QueuedRow[]> {
  return sql<QueuedRow[]>`
    select waiting.*
    from unnest(
      ${arrayOf(heads, (head) => head.shard)}::smallint[], ${arrayOf(heads, (head) => head.lane)}::int[],
      ${arrayOf(heads, (head) => head.priority)}::smallint[], ${arrayOf(heads, (head) => head.most)}::int[]
    ) as head(shard, lane, priority, most),
    lateral (
      select shard, lane, priority, id, attempt, segments, valid_until as "validUntil"
      from queue
      where shard = head.shard and lane = head.lane and priority = head.priority
      order by id
      limit head.most
    ) as waiting
  `;
}
