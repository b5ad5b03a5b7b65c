import type { Connector, SubmitResult } from "../connectors/connector.ts";
import { createdAt } from "../lib/message-id.ts";
import { unreachable } from "../lib/unreachable.ts";
import { type Flight, hasMedia, type Part, toDeparture, toRecord } from "./flight.ts";
import { isPatientAt, type Lane, reserve, waitUntil } from "./lane.ts";
import { move, segmentsOf } from "./move-parts.ts";
import type { Writing } from "./part-writer.ts";
import { hasBegun, isRefusedHereOnly } from "./reroute.ts";
import { passingErrorMs, queueFullMs } from "./retry-delays.ts";

/** After a temporary refusal, when the carrier named no time. */
const AGAIN_MS = 1_000;
/** Attempts of one part; then the message fails. */
const ATTEMPTS_MAX = 30_000;
const UNKNOWN_ERROR = 30008;

export type Sent = { readonly lane: Lane; readonly connector: Connector; readonly part: Part };

/** What the answer to a part means for it, its message and its lane. */
export function settle(
  writer: Writing,
  { lane, connector, part }: Sent,
  { submittedAt, result }: { submittedAt: Date; result: SubmitResult },
): void {
  const { flight } = part;
  flight.open -= 1;
  const isAccepted = result.kind === "accepted";
  const carrierKey = isAccepted ? writer.carrierKey(result.carrierMessageId) : undefined;
  if (result.kind !== "unavailable") {
    flight.submissions.push(toRecord(part, { connector, result, submittedAt, carrierKey }));
  }
  switch (result.kind) {
    case "accepted":
      lane.fullTimes = 0;
      flight.accepted += 1;
      if (flight.accepted === flight.texts.length) finish(writer, flight, "sent", undefined);
      return;
    case "refused":
      flight.refusal ??= result;
      flight.refusedBy = new Set([...flight.refusedBy, connector.name]);
      return;
    case "throttled":
      lane.throttledUntil = performance.now() + result.retryAfterMs;
      if (connector.name === lane.way.channel.connector.name) {
        lane.way.channel.throttle.slowDown(performance.now());
      }
      again(writer, { lane, part, afterMs: result.retryAfterMs });
      return;
    case "queueFull":
      // Answers to what left before the pause say nothing new.
      if (!isPatientAt(lane, performance.now())) lane.fullTimes += 1;
      again(writer, { lane, part, afterMs: queueFullMs(lane.fullTimes) });
      return;
    case "temporary":
      // A phone shows no half of a text: the parts of a long one stay together.
      if (flight.texts.length > 1) again(writer, { lane, part, afterMs: AGAIN_MS });
      else postpone(writer, part);
      return;
    case "unavailable":
      again(writer, { lane, part, afterMs: AGAIN_MS });
      return;
    case "unknown":
      flight.isInDoubt = true;
      if (flight.message.whenUnknown === "resend") {
        again(writer, { lane, part, afterMs: AGAIN_MS });
        return;
      }
      flight.isOver = true;
      writer.hold(flight, "The answer of the carrier is not known.");
      return;
    default:
      unreachable(result);
  }
}

/** Another carrier may take what this one does not; else that was its end. */
export function endRefused(writer: Writing, lane: Lane, flight: Flight): void {
  const { refusal, claim, message } = flight;
  if (refusal === undefined || flight.isOver || flight.open > 0) return;
  const isOpenElsewhere = isRefusedHereOnly(refusal.errorCode) && !hasBegun(flight);
  const next = isOpenElsewhere
    ? writer.pick(lane.row, message.recipient, flight.refusedBy, hasMedia(message))
    : undefined;
  if (next === undefined || (hasMedia(message) && next.carriesMedia !== true)) {
    finish(writer, flight, "failed", refusal.errorCode);
    return;
  }
  const unwritten = (writer.ready.get(lane) ?? []).filter((part) => part.flight === flight);
  reserve(lane, claim.segments - segmentsOf(unwritten));
  move(writer, { lane, flights: [flight], to: next });
}

/** Its lane goes on with others. */
function postpone(writer: Writing, { flight, attempt }: Part): void {
  if (attempt >= ATTEMPTS_MAX) {
    finish(writer, flight, "failed", UNKNOWN_ERROR);
    return;
  }
  flight.isOver = true;
  const waitMs = passingErrorMs(attempt, writer.random());
  writer.postpone(flight, attempt + 1, new Date(writer.clock().getTime() + waitMs));
}

/** The part keeps its place: at the head, with the lane waiting behind it. */
function again(writer: Writing, retry: { lane: Lane; part: Part; afterMs: number }): void {
  const { lane, part, afterMs } = retry;
  if (part.attempt >= ATTEMPTS_MAX) {
    finish(writer, part.flight, "failed", UNKNOWN_ERROR);
    return;
  }
  const notBefore = waitUntil(lane, performance.now() + afterMs);
  reserve(lane, part.segments);
  const parts = writer.ready.get(lane) ?? [];
  const later = parts.findIndex((other) => other.flight.claim.id >= part.flight.claim.id);
  parts.splice(later === -1 ? parts.length : later, 0, { ...part, attempt: part.attempt + 1 });
  writer.ready.set(lane, parts);
  writer.alarm.set(notBefore, lane);
}

export function finish(
  writer: Writing,
  flight: Flight,
  status: "sent" | "failed",
  errorCode: number | undefined,
): void {
  if (flight.isOver) return;
  flight.isOver = true;
  const end = { status, errorCode, at: writer.clock(), createdAt: createdAt(flight.claim.id) };
  writer.depart(toDeparture(flight, end));
}
