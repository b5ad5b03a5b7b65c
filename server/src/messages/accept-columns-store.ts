import { arrayOf } from "../db/array-literal.ts";
import { instantColumn } from "../db/instant-column.ts";
import type { Sql } from "../db/sql.ts";
import { shardOf } from "../lib/message-id.ts";
import type { AcceptedRow, DirectClaim } from "./accept-store.ts";

type ClaimOf = (row: AcceptedRow) => DirectClaim | undefined;

/** The lanes of a batch: what all its messages of one have in common. */
export function lanesOf(rows: readonly AcceptedRow[], claimOf: ClaimOf) {
  const lanes = new Map<number, NewLane>();
  for (const row of rows) {
    const known = lanes.get(row.lane);
    if (known === undefined) {
      const { id, lane, laneCapacity: capacity, segments } = row;
      lanes.set(lane, { shard: shardOf(id), lane, capacity, segments, claim: claimOf(row) });
    } else {
      known.segments += row.segments;
      known.claim ??= claimOf(row);
    }
  }
  return [...lanes.values()];
}

type NewLane = {
  readonly shard: number;
  readonly lane: number;
  readonly capacity: number;
  /** Of all its messages. */
  segments: number;
  /** Of those of its messages that have one. */
  claim: DirectClaim | undefined;
};

/** A part of a statement: the messages as a table. */
export function columnsOf(sql: Sql, rows: readonly AcceptedRow[], claimOf: ClaimOf) {
  return sql`
        select unnest(${arrayOf(rows, (row) => row.id)}::bigint[]) as id,
          unnest(${arrayOf(rows, (row) => row.lane)}::int[]) as lane,
          unnest(${arrayOf(rows, (row) => row.direction)}::text[]) as direction,
          unnest(${arrayOf(rows, (row) => row.recipient)}::text[]) as recipient,
          unnest(${arrayOf(rows, (row) => row.body)}::text[]) as body,
          unnest(${arrayOf(rows, (row) => row.encoding)}::text[]) as encoding,
          unnest(${arrayOf(rows, (row) => row.segments)}::smallint[]) as segments,
          unnest(${arrayOf(rows, (row) => row.priority)}::smallint[]) as priority,
          ${instantColumn(sql, rows, (row) => row.validUntil)} as valid_until,
          unnest(${arrayOf(rows, (row) => row.statusCallback)}::text[]) as status_callback,
          unnest(${arrayOf(rows, (row) => row.isSimulated)}::boolean[]) as is_simulated,
          unnest(${arrayOf(rows, (row) => (row.options ? JSON.stringify(row.options) : null))}::jsonb[])
            as options,
          unnest(${arrayOf(rows, (row) => claimOf(row) !== undefined)}::boolean[]) as is_direct,
          generate_series(1, ${rows.length}::int) as place
  `;
}
