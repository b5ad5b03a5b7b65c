import { arrayOf } from "../db/array-literal.ts";
import { instantColumn } from "../db/instant-column.ts";
import { shardOfId } from "../db/message-key.ts";
import type { Sql } from "../db/sql.ts";
import type { MessageId } from "../lib/message-id.ts";

export type SubmissionRecord = {
  readonly id: MessageId;
  readonly part: number;
  readonly parts: number;
  readonly attempt: number;
  readonly connector: string;
  readonly carrierAccount: string;
  readonly carrierMessageId: string | undefined;
  readonly carrierKey: string | undefined;
  readonly answer: string;
  readonly carrierCode: string | undefined;
  readonly submittedAt: Date;
};

/**
 * The answers to parts, each once: a part of a statement. Whether some are there already costs a look
 * at each, unless they are certainly new.
 */
export function insertSubmissions(
  sql: Sql,
  parts: readonly SubmissionRecord[],
  { areNew }: { readonly areNew: boolean } = { areNew: false },
) {
  return sql`
      insert into submissions (
        shard, id, part, attempt, day, parts, connector, carrier_account, carrier_message_id,
        carrier_key, answer, carrier_code, submitted_at
      )
      select shard, id, part, attempt, day, parts, connector, carrier_account, carrier_message_id,
        carrier_key, answer, carrier_code, submitted_at
      from (
        select *, ${shardOfId(sql)} as shard, (submitted_at at time zone 'UTC')::date as day
        from (
          select unnest(${arrayOf(parts, (part) => part.id)}::bigint[]) as id,
            unnest(${arrayOf(parts, (part) => part.part)}::smallint[]) as part,
            unnest(${arrayOf(parts, (part) => part.attempt)}::smallint[]) as attempt,
            unnest(${arrayOf(parts, (part) => part.parts)}::smallint[]) as parts,
            unnest(${arrayOf(parts, (part) => part.connector)}::text[]) as connector,
            unnest(${arrayOf(parts, (part) => part.carrierAccount)}::text[]) as carrier_account,
            unnest(${arrayOf(parts, (part) => part.carrierMessageId)}::text[]) as carrier_message_id,
            unnest(${arrayOf(parts, (part) => part.carrierKey)}::text[]) as carrier_key,
            unnest(${arrayOf(parts, (part) => part.answer)}::text[]) as answer,
            unnest(${arrayOf(parts, (part) => part.carrierCode)}::text[]) as carrier_code,
            ${instantColumn(sql, parts, (part) => part.submittedAt)} as submitted_at
        ) as told
      ) as part
      ${areNew ? sql`` : unlessKnown(sql)}
  `;
}

function unlessKnown(sql: Sql) {
  return sql`
      where not exists (
        select from submissions
        where submissions.shard = part.shard and submissions.id = part.id
          and submissions.day = part.day and submissions.part = part.part
          and submissions.attempt = part.attempt
        offset 0
      )
  `;
}
