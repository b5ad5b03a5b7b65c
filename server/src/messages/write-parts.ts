import type { Connector, SubmitResult } from "../connectors/connector.ts";
import type { Clock } from "../lib/clock.ts";
import { createdAt } from "../lib/message-id.ts";
import { unreachable } from "../lib/unreachable.ts";
import type { Departure } from "./dispatch-store.ts";
import { type Flight, type Part, toDeparture, toRecord, toSubmission } from "./flight.ts";
import type { Lane } from "./lane.ts";
import { sortPaused } from "./paused-parts.ts";

/** How long a closing process waits for carriers' answers; what is open then is in doubt. */
const CLOSE_MS_MAX = 5_000;
/** After a temporary refusal, when the carrier named no time. */
const AGAIN_MS = 1_000;
/** Attempts of one part; then the message fails. */
const ATTEMPTS_MAX = 30_000;
const EXPIRED = 30036;
const UNKNOWN_ERROR = 30008;

export type PartWriter = {
  /** Counts segments that are claimed and have not left, by lane and connector. */
  readonly reserve: (lane: Lane, segments: number) => void;
  readonly reservedFor: (connector: Connector) => number;
  readonly add: (lane: Lane, parts: readonly Part[]) => void;
  readonly write: (lane: Lane) => void;
  readonly writeAll: () => void;
  readonly close: () => Promise<void>;
};

export type PartWriterNeeds = {
  readonly clock: Clock;
  readonly carrierKey: (carrierMessageId: string) => string;
  readonly connectorOf: (lane: Lane) => Connector | undefined;
  /** The epoch under which we own the lane now: checked in the tick of the write. */
  readonly epochOf: (lane: Lane) => bigint | undefined;
  readonly depart: (departure: Departure) => void;
  readonly hold: (flight: Flight, because: string) => void;
  /** Another owner has the message: what it does is no matter of ours any more. */
  readonly lose: (flight: Flight) => void;
  /** Nothing of it leaves but the other parts of a message that has begun to. */
  readonly isPaused: (lane: Lane) => boolean;
  /** Messages of a paused lane of which nothing has left go back to their place in the queue. */
  readonly giveBack: (lane: Lane, flights: readonly Flight[]) => void;
  readonly onTaken: () => void;
};

type Writer = PartWriterNeeds & {
  readonly ready: Map<Lane, Part[]>;
  readonly timers: Map<Lane, NodeJS.Timeout>;
  readonly reservations: Reservations;
  /** Lanes whose parts were handed to their connector and leave at the end of this turn. */
  readonly leaving: Set<Lane>;
  isClosing: boolean;
  /** Submissions without an answer. */
  open: number;
};

/** Writes claimed parts to their connector, in order, each at the instant its limiter allows. */
export function createPartWriter(app: PartWriterNeeds): PartWriter {
  const reservations = createReservations(app.connectorOf);
  const writer: Writer = {
    ...{ ...app, reservations, isClosing: false, open: 0 },
    ...{ ready: new Map(), timers: new Map(), leaving: new Set() },
  };
  return {
    ...reservations,
    add: (lane, parts) => {
      const waiting = writer.ready.get(lane) ?? [];
      waiting.push(...parts);
      writer.ready.set(lane, waiting);
    },
    write: (lane) => write(writer, lane),
    writeAll: () => {
      for (const lane of [...writer.ready.keys()]) write(writer, lane);
    },
    close: () => close(writer),
  };
}

type Reservations = Pick<PartWriter, "reserve" | "reservedFor">;

function createReservations(connectorOf: PartWriterNeeds["connectorOf"]): Reservations {
  const reserved = new Map<string, number>();
  return {
    reserve: (lane, segments) => {
      lane.reserved += segments;
      const connector = connectorOf(lane)?.name;
      if (connector === undefined) return;
      reserved.set(connector, Math.max(0, (reserved.get(connector) ?? 0) + segments));
    },
    reservedFor: (connector) => reserved.get(connector.name) ?? 0,
  };
}

function write(writer: Writer, lane: Lane): void {
  const parts = writer.ready.get(lane);
  const connector = writer.connectorOf(lane);
  if (parts === undefined || connector === undefined) return;
  const waiting = writer.isPaused(lane) ? pauseParts(writer, lane, parts) : [];
  writeParts(writer, { lane, connector, parts });
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
  writer.reservations.reserve(lane, finishing.length + staying.length - parts.length);
  parts.splice(0, parts.length, ...finishing);
  return staying;
}

type Leaving = {
  readonly lane: Lane;
  readonly connector: Connector;
  /** Taken from its head. */
  readonly parts: Part[];
};

function writeParts(writer: Writer, { lane, connector, parts }: Leaving): void {
  while (parts.length > 0) {
    const epoch = writer.epochOf(lane);
    if (writer.isClosing || connector.freeSlots() <= 0 || epoch === undefined) return;
    const now = performance.now();
    const earliest = Math.max(lane.limiter.earliest(), lane.notBefore);
    if (earliest > now) {
      writeLater(writer, lane, earliest - now);
      return;
    }
    const part = parts.shift();
    if (part === undefined) break;
    writer.reservations.reserve(lane, -1);
    if (!mayLeave(writer, part, epoch)) continue;
    lane.limiter.take(now);
    submit(writer, { lane, connector, part });
  }
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

function writeLater(writer: Writer, lane: Lane, ms: number): void {
  if (writer.timers.has(lane)) return;
  const timer = setTimeout(() => {
    writer.timers.delete(lane);
    write(writer, lane);
  }, Math.ceil(ms));
  writer.timers.set(lane, timer);
}

type Sent = { readonly lane: Lane; readonly connector: Connector; readonly part: Part };

function submit(writer: Writer, sent: Sent): void {
  const submittedAt = writer.clock();
  sent.part.flight.firstSentAt ??= submittedAt;
  writer.open += 1;
  const isFirst = writer.leaving.size === 0;
  writer.leaving.add(sent.lane);
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
  for (const lane of writer.leaving) lane.limiter.written(now);
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
  writer.reservations.reserve(lane, 1);
  const parts = writer.ready.get(lane) ?? [];
  const later = parts.findIndex((other) => other.flight.claim.id >= part.flight.claim.id);
  parts.splice(later === -1 ? parts.length : later, 0, { ...part, attempt: part.attempt + 1 });
  writer.ready.set(lane, parts);
  writeLater(writer, lane, afterMs);
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
  for (const timer of writer.timers.values()) clearTimeout(timer);
  const deadline = performance.now() + CLOSE_MS_MAX;
  while (writer.open > 0 && performance.now() < deadline) {
    await new Promise((done) => setTimeout(done, 20));
  }
}
