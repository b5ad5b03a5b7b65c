import { arrayOf } from "../db/array-literal.ts";
import type { Sql } from "../db/sql.ts";
import { utcDay } from "../lib/clock.ts";
import { type MessageId, shardOf } from "../lib/message-id.ts";

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

/** The answers to parts, each once: a part of a statement. */
export function insertSubmissions(sql: Sql, parts: readonly SubmissionRecord[]) {
  return sql`
      insert into submissions (
        shard, id, part, attempt, day, parts, connector, carrier_account, carrier_message_id,
        carrier_key, answer, carrier_code, submitted_at
      )
      select *
      from unnest(
        ${arrayOf(parts, (part) => shardOf(part.id))}::smallint[],
        ${arrayOf(parts, (part) => part.id)}::bigint[],
        ${arrayOf(parts, (part) => part.part)}::smallint[],
        ${arrayOf(parts, (part) => part.attempt)}::smallint[],
        ${arrayOf(parts, (part) => utcDay(part.submittedAt))}::date[],
        ${arrayOf(parts, (part) => part.parts)}::smallint[],
        ${arrayOf(parts, (part) => part.connector)}::text[],
        ${arrayOf(parts, (part) => part.carrierAccount)}::text[],
        ${arrayOf(parts, (part) => part.carrierMessageId)}::text[],
        ${arrayOf(parts, (part) => part.carrierKey)}::text[],
        ${arrayOf(parts, (part) => part.answer)}::text[],
        ${arrayOf(parts, (part) => part.carrierCode)}::text[],
        ${arrayOf(parts, (part) => part.submittedAt.toISOString())}::timestamptz[]
      ) as part(
        shard, id, part, attempt, day, parts, connector, carrier_account, carrier_message_id,
        carrier_key, answer, carrier_code, submitted_at
      )
      where not exists (
        select from submissions
        where submissions.shard = part.shard and submissions.id = part.id
          and submissions.day = part.day and submissions.part = part.part
          and submissions.attempt = part.attempt
        offset 0
      )
  `;
}
