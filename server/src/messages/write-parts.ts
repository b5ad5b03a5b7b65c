import type { Connector, SubmitResult } from "../connectors/connector.ts";
import { type Alarm, createAlarm } from "../lib/alarm.ts";
import type { Clock } from "../lib/clock.ts";
import { createdAt } from "../lib/message-id.ts";
import { unreachable } from "../lib/unreachable.ts";
import type { Passage } from "../throughput/passage.ts";
import type { Departure } from "./dispatch-store.ts";
import { type Flight, type Part, toDeparture, toRecord, toSubmission } from "./flight.ts";
import { type Lane, reserve } from "./lane.ts";
import { sortPaused } from "./paused-parts.ts";

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

export type PartWriter = {
  readonly add: (lane: Lane, parts: readonly Part[]) => void;
  readonly write: (lane: Lane) => void;
  /** What found no free slot, where there is one now. */
  readonly writeStalled: () => void;
  readonly writeAll: () => void;
  /** Gives back what was claimed before its shard was lost, and of which nothing has left. */
  readonly giveBackLost: () => void;
  readonly close: () => Promise<void>;
};

export type PartWriterNeeds = {
  readonly clock: Clock;
  readonly carrierKey: (carrierMessageId: string) => string;
  /** The epoch under which we own the lane now: checked in the tick of the write. */
  readonly epochOf: (lane: Lane) => bigint | undefined;
  readonly depart: (departure: Departure) => void;
  readonly hold: (flight: Flight, because: string) => void;
  /** Another owner has the message: what it does is no matter of ours any more. */
  readonly lose: (flight: Flight) => void;
  /** Nothing of it leaves but the other parts of a message that has begun to. */
  readonly isPaused: (lane: Lane) => boolean;
  /** Messages of which nothing has left go back to their place in the queue. */
  readonly giveBack: (lane: Lane, flights: readonly Flight[]) => void;
  readonly onTaken: () => void;
};

type Writer = PartWriterNeeds & {
  readonly ready: Map<Lane, Part[]>;
  readonly alarm: Alarm<Lane>;
  /** Lanes with parts whose connector had no free slot. */
  readonly stalled: Set<Lane>;
  /** What the parts pass that were handed to their connector and leave at the end of this turn. */
  readonly leaving: Set<Passage>;
  isClosing: boolean;
  /** Submissions without an answer. */
  open: number;
};

/** Writes claimed parts to their connector, in order, each at the instant its limiter allows. */
export function createPartWriter(app: PartWriterNeeds): PartWriter {
  const writer: Writer = {
    ...{ ...app, isClosing: false, open: 0, ready: new Map(), stalled: new Set() },
    ...{ leaving: new Set(), alarm: createAlarm((lane) => write(writer, lane)) },
  };
  return {
    add: (lane, parts) => {
      const waiting = writer.ready.get(lane) ?? [];
      waiting.push(...parts);
      writer.ready.set(lane, waiting);
    },
    write: (lane) => write(writer, lane),
    writeStalled: () => {
      for (const lane of writer.stalled) {
        if (lane.way.channel.connector.freeSlots() > 0) write(writer, lane);
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

function write(writer: Writer, lane: Lane): void {
  const parts = writer.ready.get(lane);
  writer.stalled.delete(lane);
  if (parts === undefined) return;
  const waiting = writer.isPaused(lane) ? pauseParts(writer, lane, parts) : [];
  writeParts(writer, lane, parts);
  parts.push(...waiting);
  if (parts.length === 0) writer.ready.delete(lane);
}

/** Leaves among the parts what goes on in the pause, and gives what waits for its end. */
function pauseParts(writer: Writer, lane: Lane, parts: Part[]): Part[] {
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

function giveBackLost(writer: Writer, lane: Lane, parts: Part[]): void {
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
function writeParts(writer: Writer, lane: Lane, parts: Part[]): void {
  const { passage, channel } = lane.way;
  while (parts.length > 0) {
    const epoch = writer.epochOf(lane);
    if (writer.isClosing || epoch === undefined) return;
    if (channel.connector.freeSlots() <= 0) {
      writer.stalled.add(lane);
      return;
    }
    const now = performance.now();
    // A whole text leaves at once, so it waits until the last of its segments may.
    const segments = parts[0]?.segments ?? 1;
    const earliest = Math.max(passage.earliest(segments - 1), lane.notBefore);
    if (earliest > now) {
      writer.alarm.set(Math.min(earliest, now + NO_PART_MS), lane);
      return;
    }
    const part = parts.shift();
    if (part === undefined) break;
    reserve(lane, -segments);
    if (!mayLeave(writer, part, epoch)) continue;
    for (let taken = 0; taken < segments; taken += 1) passage.take(now);
    lane.written += segments;
    submit(writer, { lane, connector: channel.connector, part });
  }
}

function segmentsOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.segments, 0);
}

function mayLeave(writer: Writer, { flight }: Part, epoch: bigint): boolean {
  if (flight.claim.epoch !== epoch && !flight.isOver) {
    flight.isOver = true;
    writer.lose(flight);
  }
  const hasExpired = flight.claim.validUntil <= writer.clock();
  if (flight.accepted === 0 && hasExpired) finish(writer, flight, "failed", EXPIRED);
  return !flight.isOver;
}

type Sent = { readonly lane: Lane; readonly connector: Connector; readonly part: Part };

function submit(writer: Writer, sent: Sent): void {
  const submittedAt = writer.clock();
  sent.part.flight.firstSentAt ??= submittedAt;
  writer.open += 1;
  const isFirst = writer.leaving.size === 0;
  writer.leaving.add(sent.lane.way.passage);
  void sent.connector.submit(toSubmission(sent.part)).then((result) => {
    writer.open -= 1;
    settle(writer, sent, { submittedAt, result });
    writer.onTaken();
  });
  // Asked for after the connector asked for its own write, so it runs after it.
  if (isFirst) setImmediate(() => stampWritten(writer));
}

function stampWritten(writer: Writer): void {
  const now = performance.now();
  for (const passage of writer.leaving) passage.written(now);
  writer.leaving.clear();
}

function settle(
  writer: Writer,
  { lane, connector, part }: Sent,
  { submittedAt, result }: { submittedAt: Date; result: SubmitResult },
): void {
  const { flight } = part;
  const isAccepted = result.kind === "accepted";
  const carrierKey = isAccepted ? writer.carrierKey(result.carrierMessageId) : undefined;
  if (result.kind !== "unavailable") {
    flight.submissions.push(toRecord(part, { connector, result, submittedAt, carrierKey }));
  }
  switch (result.kind) {
    case "accepted":
      flight.accepted += 1;
      if (flight.accepted === flight.texts.length) finish(writer, flight, "sent", undefined);
      return;
    case "refused":
      finish(writer, flight, "failed", result.errorCode);
      return;
    case "throttled":
      lane.throttledUntil = performance.now() + result.retryAfterMs;
      again(writer, { lane, part, afterMs: result.retryAfterMs });
      return;
    case "unavailable":
      again(writer, { lane, part, afterMs: AGAIN_MS });
      return;
    case "unknown":
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

/** The part keeps its place: at the head, with the lane waiting behind it. */
function again(writer: Writer, retry: { lane: Lane; part: Part; afterMs: number }): void {
  const { lane, part, afterMs } = retry;
  if (part.attempt >= ATTEMPTS_MAX) {
    finish(writer, part.flight, "failed", UNKNOWN_ERROR);
    return;
  }
  lane.notBefore = Math.max(lane.notBefore, performance.now() + afterMs);
  reserve(lane, part.segments);
  const parts = writer.ready.get(lane) ?? [];
  const later = parts.findIndex((other) => other.flight.claim.id >= part.flight.claim.id);
  parts.splice(later === -1 ? parts.length : later, 0, { ...part, attempt: part.attempt + 1 });
  writer.ready.set(lane, parts);
  writer.alarm.set(lane.notBefore, lane);
}

function finish(
  writer: Writer,
  flight: Flight,
  status: "sent" | "failed",
  errorCode: number | undefined,
): void {
  if (flight.isOver) return;
  flight.isOver = true;
  const end = { status, errorCode, at: writer.clock(), createdAt: createdAt(flight.claim.id) };
  writer.depart(toDeparture(flight, end));
}

async function close(writer: Writer): Promise<void> {
  writer.isClosing = true;
  writer.alarm.close();
  const deadline = performance.now() + CLOSE_MS_MAX;
  while (writer.open > 0 && performance.now() < deadline) {
    await new Promise((done) => setTimeout(done, 20));
  }
}
