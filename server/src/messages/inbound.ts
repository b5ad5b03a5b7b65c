import { keywordAnswer } from "../compliance/keyword-reply.ts";
import { readKeyword, type SenderKind } from "../compliance/keywords.ts";
import { findOptedOut, insertOptOuts, removeOptOuts } from "../compliance/store.ts";
import type { InboundPart } from "../connectors/connector.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import type { Clock } from "../lib/clock.ts";
import type { IdWriter } from "../lib/message-id.ts";
import { parsePhoneNumber } from "../numbers/phone-number.ts";
import { segmentBody } from "../segments/segment.ts";
import { type NewMessage, shardOfPool } from "./accept.ts";
import { forgetParts, joinPart, storeInbound } from "./inbound-store.ts";

/** The number that a phone texted, as its account has set it up. */
export type TextedNumber = NewMessage["sender"] & {
  readonly account: number | undefined;
  readonly kind: SenderKind;
  readonly smsUrl: string;
};

export type InboundNeeds = {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly newId: IdWriter;
  readonly writer: EventWriter;
  readonly numberOf: (recipient: string) => TextedNumber | undefined;
  readonly accept: (message: NewMessage) => Promise<unknown>;
  readonly onReceived: () => void;
};

export type InboundCarrier = {
  readonly carrierAccount: string;
  readonly isSimulated: boolean;
  readonly optOutsUpstream: boolean;
};

/**
 * Takes a text from a phone. Resolves when it is durable, so that only then the carrier is
 * answered. A text to a number that nobody holds is dropped: there is no one to tell.
 */
export async function receiveText(
  app: InboundNeeds,
  carrier: InboundCarrier,
  part: InboundPart,
): Promise<void> {
  const number = app.numberOf(part.recipient) ?? app.numberOf(`+${part.recipient}`);
  if (number?.account === undefined) return;
  const { account } = number;
  const body =
    part.total > 1 ? await joinPart(app.sql, carrier.carrierAccount, part, app.clock()) : part.text;
  if (body === undefined) return;
  const sender = parsePhoneNumber(part.sender) ?? parsePhoneNumber(`+${part.sender}`);
  const scope = { account, pool: number.number };
  const keyword = readKeyword(body, number.kind);
  const wasOptedOut =
    keyword !== undefined && sender !== undefined
      ? ((await findOptedOut(app.sql, [{ ...scope, recipient: sender }]))[0] ?? false)
      : false;
  const answer =
    keyword &&
    keywordAnswer({
      ...{ keyword, senderKind: number.kind, wasOptedOut },
      optOutsUpstream: carrier.optOutsUpstream,
    });
  const { encoding, segments } = segmentBody(body);
  await app.writer.commit(1, (stamp) =>
    app.sql.begin(async (transaction) => {
      const sql = transaction as unknown as Sql;
      await storeInbound(
        sql,
        {
          ...{ id: app.newId(shardOfPool(account, number.number)), account, body, encoding },
          ...{ sender: sender ?? part.sender, recipient: number.number },
          segments: Math.min(segments, 255),
          isSimulated: carrier.isSimulated,
          webhookHost: hostOf(number.smsUrl),
          keyword: answer?.optOutType,
        },
        stamp,
      );
      if (part.total > 1) await forgetParts(sql, carrier.carrierAccount, part);
      if (sender === undefined || answer === undefined) return;
      if (answer.record === "opt-out") {
        const source = { ...scope, source: "keyword", keyword: keyword?.word ?? "" } as const;
        await insertOptOuts(sql, source, [sender], app.clock());
      }
      if (answer.record === "opt-in") await removeOptOuts(sql, scope, [sender]);
    }),
  );
  app.onReceived();
  if (answer?.reply === undefined || sender === undefined) return;
  await app.accept({
    ...{ account, sender: number, recipient: sender, body: answer.reply },
    ...{ direction: "outbound-reply", isKeywordReply: true, priority: 0 },
  });
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
