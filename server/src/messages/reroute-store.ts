import type { Sql } from "../db/sql.ts";
import { type MessageId, shardOf } from "../lib/message-id.ts";
import type { Claim } from "./claim-store.ts";

/** Names another connector in our claims, before bytes leave by it; tells which are still ours. */
export async function recordConnectors(
  sql: Sql,
  moves: readonly { readonly claim: Claim; readonly connector: string }[],
  owner: string,
): Promise<MessageId[]> {
  const rows = await sql<{ id: MessageId }[]>`
    with item as materialized (
      select *
      from unnest(
        ${moves.map(({ claim }) => shardOf(claim.id))}::smallint[],
        ${moves.map(({ claim }) => String(claim.id))}::bigint[],
        ${moves.map(({ claim }) => String(claim.epoch))}::bigint[],
        ${moves.map(({ connector }) => connector)}::text[]
      ) as item(shard, id, epoch, connector)
    )
    update claims
    set connector = item.connector
    from item
    where claims.shard = any(array[item.shard]) and claims.id = any(array[item.id])
      and claims.owner = ${owner} and claims.epoch = item.epoch
    returning claims.id
  `;
  return rows.map(({ id }) => id);
}
