import type { Connector, Submission, SubmitResult } from "../connectors/connector.ts";
import { splitBody } from "../segments/segment.ts";
import type { Claim, ClaimedMessage } from "./claim-store.ts";
import type { Departure } from "./departure-store.ts";
import { mediaUrls } from "./media.ts";
import type { SubmissionRecord } from "./submission-store.ts";

/** A claimed message on its way out, part by part. */
export type Flight = {
  /** Names the connector that it goes by. */
  claim: Claim;
  readonly message: ClaimedMessage;
  readonly encoding: "GSM-7" | "UCS-2";
  /** What is submitted, one after another: its parts, or the whole text where the carrier splits it. */
  texts: readonly string[];
  readonly claimedAt: Date;
  readonly submissions: SubmissionRecord[];
  firstSentAt: Date | undefined;
  accepted: number;
  /** Submissions without an answer. */
  open: number;
  /** One of its submissions may have arrived: no other carrier may have it. */
  isInDoubt: boolean;
  /** A refusal that ends it when no other submission of it is open, or another carrier takes it. */
  refusal: { readonly errorCode: number } | undefined;
  /** Connectors whose carrier has refused it. */
  refusedBy: ReadonlySet<string>;
  isOver: boolean;
};

/** It leaves only by a connector that carries media. */
export function hasMedia({ options }: Pick<ClaimedMessage, "options">): boolean {
  return options?.media !== undefined;
}

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
  const { encoding, parts } = splitBody(message.body);
  const onlyBy = message.onlyBy ?? undefined;
  return {
    claim: onlyBy === undefined ? claim : { ...claim, connector: onlyBy },
    message,
    encoding,
    texts: isWhole ? [message.body] : parts,
    claimedAt,
    submissions: [],
    firstSentAt: undefined,
    accepted: 0,
    open: 0,
    isInDoubt: onlyBy !== undefined,
    refusal: undefined,
    refusedBy: nobody,
    isOver: false,
  };
}

const nobody: ReadonlySet<string> = new Set();

/** Gives it to another connector, whose carrier may want it split, or whole. */
export function reassign(
  flight: Flight,
  to: { readonly name: string; readonly takesWholeTexts?: boolean },
): void {
  const { claim, message, submissions } = flight;
  const attempt = Math.max(claim.attempt - 1, ...submissions.map((one) => one.attempt)) + 1;
  flight.claim = { ...claim, connector: to.name, attempt };
  flight.texts = to.takesWholeTexts === true ? [message.body] : splitBody(message.body).parts;
  flight.refusal = undefined;
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
    media: mediaUrls(message.options?.media),
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

/** Gives back to the days that are limited what has certainly not reached the carrier. */
export function refundUnsent({
  claim,
  submissions,
}: {
  readonly claim: Claim;
  readonly submissions: readonly SubmissionRecord[];
}): void {
  const { charges } = claim;
  if (charges === undefined) return;
  const taken = submissions.filter(({ answer }) => answer === "accepted" || answer === "unknown");
  const parts = new Map(
    taken.map(({ part, parts: all }) => [part, all === 1 ? claim.segments : 1]),
  );
  const sent = [...parts.values()].reduce((sum, segments) => sum + segments, 0);
  if (sent >= claim.segments) return;
  for (const charge of charges) charge.refund(claim.segments - sent);
}
