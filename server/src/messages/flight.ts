import type { Connector, Submission, SubmitResult } from "../connectors/connector.ts";
import { splitBody } from "../segments/segment.ts";
import type { Claim, ClaimedMessage, Departure, SubmissionRecord } from "./dispatch-store.ts";

/** A claimed message on its way out, part by part. */
export type Flight = {
  readonly claim: Claim;
  readonly message: ClaimedMessage;
  readonly encoding: "GSM-7" | "UCS-2";
  /** What is submitted, one after another: its parts, or the whole text where the carrier splits it. */
  readonly texts: readonly string[];
  readonly claimedAt: Date;
  readonly submissions: SubmissionRecord[];
  firstSentAt: Date | undefined;
  accepted: number;
  isOver: boolean;
};

/** One part that waits to be written. */
export type Part = {
  readonly flight: Flight;
  readonly part: number;
  readonly attempt: number;
  /** As limits count it: one, or all of a whole text's. */
  readonly segments: number;
};

export function createFlight(
  { claim, message }: { readonly claim: Claim; readonly message: ClaimedMessage },
  { claimedAt, isWhole }: { readonly claimedAt: Date; readonly isWhole: boolean },
): Flight {
  const { encoding, parts: split } = splitBody(message.body);
  const parts = isWhole ? [message.body] : split;
  return {
    claim,
    message,
    encoding,
    texts: parts.length === 0 ? [""] : parts,
    claimedAt,
    submissions: [],
    firstSentAt: undefined,
    accepted: 0,
    isOver: false,
  };
}

export function partsOf(flight: Flight): Part[] {
  return flight.texts.map((_text, index) => ({
    flight,
    part: index + 1,
    attempt: flight.claim.attempt,
    segments: flight.texts.length === 1 ? flight.claim.segments : 1,
  }));
}

export function toSubmission({ flight, part, attempt }: Part): Submission {
  const { claim, message, texts } = flight;
  return {
    id: claim.id,
    part,
    parts: texts.length,
    attempt,
    sender: message.sender,
    recipient: message.recipient,
    encoding: flight.encoding,
    text: texts[part - 1] ?? "",
    reference: Number(claim.id & 0xffffn),
    body: message.body,
    validUntil: claim.validUntil,
  };
}

export function toRecord(
  { flight, part, attempt }: Part,
  answer: {
    connector: Connector;
    result: SubmitResult;
    submittedAt: Date;
    carrierKey: string | undefined;
  },
): SubmissionRecord {
  const { connector, result } = answer;
  return {
    id: flight.claim.id,
    part,
    parts: flight.texts.length,
    attempt,
    connector: connector.name,
    carrierAccount: connector.carrierAccount,
    carrierMessageId: result.kind === "accepted" ? result.carrierMessageId : undefined,
    carrierKey: answer.carrierKey,
    answer: result.kind,
    carrierCode: result.kind === "accepted" ? undefined : result.carrierCode,
    submittedAt: answer.submittedAt,
  };
}

export function toDeparture(
  flight: Flight,
  end: { status: "sent" | "failed"; errorCode: number | undefined; at: Date; createdAt: Date },
): Departure {
  const sentAt = flight.firstSentAt ?? end.at;
  return {
    claim: flight.claim,
    message: flight.message,
    submissions: flight.submissions,
    sentAt,
    status: end.status,
    errorCode: end.errorCode,
    waits: {
      queueMs: flight.claimedAt.getTime() - end.createdAt.getTime(),
      paceMs: sentAt.getTime() - flight.claimedAt.getTime(),
    },
  };
}
