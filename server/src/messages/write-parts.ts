import type { Connector, SubmitResult } from "../connectors/connector.ts";
import { createAlarm } from "../lib/alarm.ts";
import { createdAt } from "../lib/message-id.ts";
import { unreachable } from "../lib/unreachable.ts";
import { type Limiter, noteWritten } from "../throughput/limiter.ts";
import {
  type Flight,
  hasMedia,
  type Part,
  partsOf,
  reassign,
  toDeparture,
  toRecord,
  toSubmission,
} from "./flight.ts";
import { earliestFrom, isPatientAt, type Lane, reserve, takeFrom, waitUntil } from "./lane.ts";
import type { PartWriter, PartWriterNeeds, Writing } from "./part-writer.ts";
import { sortPaused } from "./paused-parts.ts";
import { hasBegun, isRefusedHereOnly } from "./reroute.ts";
import { passingErrorMs, queueFullMs } from "./retry-delays.ts";

/** How long a closing process waits for carriers' answers; what is open then is in doubt. */
const CLOSE_MS_MAX = 5_000;
/** After a temporary refusal, when the carrier named no time. */
const AGAIN_MS = 1_000;
/** Attempts of one part; then the message fails. */
const ATTEMPTS_MAX = 30_000;
/** How soon to ask again for a part of a limit that several owners share, at the latest. */
const NO_PART_MS = 100;
const EXPIRED = 30036;
const UNKNOWN_ERROR = 30008;

/** Writes claimed parts to their connector, in order, each at the instant its limiter allows. */
export function createPartWriter(app: PartWriterNeeds): PartWriter {
  const writer: Writing = {
    ...{ ...app, isClosing: false, open: 0, ready: new Map(), stalled: new Set() },
    ...{ leaving: undefined, alarm: createAlarm((lane) => write(writer, lane)) },
  };
  return {
    add: (lane, parts) => {
      const waiting = writer.ready.get(lane) ?? [];
      waiting.push(...parts);
      writer.ready.set(lane, waiting);
    },
    write: (lane) => write(writer, lane),
    move: (lane, flights, to) => move(writer, { lane, flights, to }),
    writeStalled: () => {
      for (const lane of [...writer.stalled]) {
        if (findWritable(writer, lane, writer.ready.get(lane) ?? []) >= 0) write(writer, lane);
      }
    },
    writeAll: () => {
      for (const lane of [...writer.ready.keys()]) write(writer, lane);
    },
    giveBackLost: () => {
      for (const [lane, parts] of writer.ready) giveBackLost(writer, lane, parts);
    },
    close: () => close(writer),
  };
}

function write(writer: Writing, lane: Lane): void {
  const parts = writer.ready.get(lane);
  writer.stalled.delete(lane);
  if (parts === undefined) return;
  const waiting = writer.isPaused(lane) ? pauseParts(writer, lane, parts) : [];
  writeParts(writer, lane, parts);
  parts.push(...waiting);
  if (parts.length === 0) writer.ready.delete(lane);
}

/** Leaves among the parts what goes on in the pause, and gives what waits for its end. */
function pauseParts(writer: Writing, lane: Lane, parts: Part[]): Part[] {
  const epoch = writer.epochOf(lane);
  if (writer.isClosing || epoch === undefined) return parts.splice(0);
  const { fresh, finishing, waiting } = sortPaused(parts);
  for (const flight of fresh) flight.isOver = true;
  writer.giveBack(lane, fresh);
  const staying = waiting.filter((part) => mayLeave(writer, part, epoch));
  reserve(lane, segmentsOf(finishing) + segmentsOf(staying) - segmentsOf(parts));
  parts.splice(0, parts.length, ...finishing);
  return staying;
}

function giveBackLost(writer: Writing, lane: Lane, parts: Part[]): void {
  const epoch = writer.epochOf(lane);
  const lost = sortPaused(parts).fresh.filter((flight) => flight.claim.epoch !== epoch);
  if (lost.length === 0) return;
  for (const flight of lost) flight.isOver = true;
  const staying = parts.filter(({ flight }) => !flight.isOver);
  reserve(lane, staying.length - parts.length);
  if (staying.length === 0) writer.ready.delete(lane);
  else writer.ready.set(lane, staying);
  writer.giveBack(lane, lost);
}

/** Takes them from the head. */
function writeParts(writer: Writing, lane: Lane, parts: Part[]): void {
  while (parts.length > 0) {
    const epoch = writer.epochOf(lane);
    if (writer.isClosing || epoch === undefined) return;
    const place = findWritable(writer, lane, parts);
    if (place < 0) {
      writer.stalled.add(lane);
      leaveLost(writer, lane, parts);
      return;
    }
    const now = performance.now();
    // A whole text leaves at once, so it waits until the last of its segments may.
    const segments = parts[place]?.segments ?? 1;
    const earliest = earliestFrom(lane, segments - 1);
    if (earliest > now) {
      writer.alarm.set(Math.min(earliest, now + NO_PART_MS), lane);
      return;
    }
    const part = place === 0 ? parts.shift() : parts.splice(place, 1)[0];
    const connector = part && connectorOf(writer, lane, part.flight);
    if (part === undefined || connector === undefined) break;
    reserve(lane, -segments);
    if (!mayLeave(writer, part, epoch)) continue;
    takeFrom(lane, now, segments);
    lane.written += segments;
    submit(writer, { lane, connector, part });
  }
}

/** The first part whose connector has a free slot: what goes another way does not hold it up. */
function findWritable(writer: Writing, lane: Lane, parts: readonly Part[]): number {
  let full: string | undefined;
  for (let place = 0; place < parts.length; place += 1) {
    const { flight } = parts[place] as Part;
    const { connector } = flight.claim;
    if (connector === full) continue;
    if ((connectorOf(writer, lane, flight)?.freeSlots() ?? 0) > 0) return place;
    full = connector;
  }
  return -1;
}

function connectorOf(writer: Writing, lane: Lane, { claim }: Flight): Connector | undefined {
  const { connector } = lane.way.channel;
  return connector.name === claim.connector ? connector : writer.connectorNamed(claim.connector);
}

/** What waits for a connector that is down goes by another, as long as nothing of it has left. */
function leaveLost(writer: Writing, lane: Lane, parts: readonly Part[]): void {
  const moves = new Map<Connector, Flight[]>();
  let up: string | undefined;
  for (const { flight } of parts) {
    if (flight.claim.connector === up || hasBegun(flight)) continue;
    if (connectorOf(writer, lane, flight)?.state().phase === "bound") {
      up = flight.claim.connector;
      continue;
    }
    const isMms = hasMedia(flight.message);
    const next =
      writer.pick(lane.row, flight.message.recipient, flight.refusedBy, isMms) ??
      lane.way.channel.connector;
    if (next.name === flight.claim.connector || next.state().phase !== "bound") continue;
    if (isMms && next.carriesMedia !== true) continue;
    const flights = moves.get(next) ?? [];
    if (!flights.includes(flight)) moves.set(next, [...flights, flight]);
  }
  for (const [to, flights] of moves) move(writer, { lane, flights, to });
}

/** They are written when their claims name the connector, so that a crash in between stays certain. */
function move(
  writer: Writing,
  { lane, flights, to }: { lane: Lane; flights: readonly Flight[]; to: Connector },
): void {
  const ready = writer.ready.get(lane) ?? [];
  const staying = ready.filter(({ flight }) => !flights.includes(flight));
  ready.splice(0, ready.length, ...staying);
  for (const flight of flights) {
    void writer.rerouter.record(flight.claim, to).then((isOurs) => {
      if (isOurs && !flight.isOver) {
        reassign(flight, to);
        const parts = writer.ready.get(lane) ?? [];
        parts.push(...partsOf(flight));
        writer.ready.set(lane, parts);
        write(writer, lane);
        return;
      }
      reserve(lane, -flight.claim.segments);
      if (!isOurs) writer.lose(flight);
    }, writer.onError);
  }
}

function segmentsOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.segments, 0);
}

function mayLeave(writer: Writing, { flight }: Part, epoch: bigint): boolean {
  if (flight.claim.epoch !== epoch && !flight.isOver) {
    flight.isOver = true;
    writer.lose(flight);
  }
  if (flight.refusal !== undefined) return false;
  const hasExpired = flight.claim.validUntil <= writer.clock();
  if (flight.accepted === 0 && hasExpired) finish(writer, flight, "failed", EXPIRED);
  return !flight.isOver;
}

type Sent = { readonly lane: Lane; readonly connector: Connector; readonly part: Part };

function submit(writer: Writing, sent: Sent): void {
  const submittedAt = writer.clock();
  sent.part.flight.firstSentAt ??= submittedAt;
  sent.part.flight.open += 1;
  writer.open += 1;
  void sent.connector.submit(toSubmission(sent.part)).then((result) => {
    writer.open -= 1;
    settle(writer, sent, { submittedAt, result });
    endRefused(writer, sent.lane, sent.part.flight);
    writer.onTaken();
  });
  noteLeaving(writer, sent);
}

/**
 * Counts what leaves with the connector's next write, and stamps it after that: it was asked for
 * before, so it runs before. What a later callback of the same turn submits may leave a turn later,
 * so it is counted anew.
 */
function noteLeaving(writer: Writing, { lane, part }: Sent): void {
  let leaving = writer.leaving;
  if (leaving === undefined) {
    const counts = new Map<Limiter, number>();
    leaving = counts;
    writer.leaving = counts;
    setImmediate(() => stampWritten(counts));
    queueMicrotask(() => {
      writer.leaving = undefined;
    });
  }
  count(leaving, lane.limiter, part.segments);
  for (const limiter of lane.way.passage) count(leaving, limiter, part.segments);
}

function count(counts: Map<Limiter, number>, limiter: Limiter, segments: number): void {
  counts.set(limiter, (counts.get(limiter) ?? 0) + segments);
}

function stampWritten(counts: ReadonlyMap<Limiter, number>): void {
  const now = performance.now();
  for (const [limiter, segments] of counts) noteWritten(limiter, now, segments);
}

function settle(
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
function endRefused(writer: Writing, lane: Lane, flight: Flight): void {
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

function finish(
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

async function close(writer: Writing): Promise<void> {
  writer.isClosing = true;
  writer.alarm.close();
  const deadline = performance.now() + CLOSE_MS_MAX;
  while (writer.open > 0 && performance.now() < deadline) {
    await new Promise((done) => setTimeout(done, 20));
  }
}
