import type { Connector, SubmitResult } from "../connectors/connector.ts";
import type { Clock } from "../lib/clock.ts";
import { createdAt } from "../lib/message-id.ts";
import { unreachable } from "../lib/unreachable.ts";
import type { Departure } from "./dispatch-store.ts";
import { type Flight, type Part, toDeparture, toRecord, toSubmission } from "./flight.ts";
import type { Lane } from "./lane.ts";

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

/** Writes claimed parts to their connector, in order, each at the instant its limiter allows. */
export function createPartWriter(app: {
  clock: Clock;
  carrierKey: (carrierMessageId: string) => string;
  connectorOf: (lane: Lane) => Connector | undefined;
  /** The epoch under which we own the lane now: checked in the tick of the write. */
  epochOf: (lane: Lane) => bigint | undefined;
  depart: (departure: Departure) => void;
  hold: (flight: Flight, because: string) => void;
  /** Another owner has the message: what it does is no matter of ours any more. */
  lose: (flight: Flight) => void;
  onTaken: () => void;
}): PartWriter {
  const ready = new Map<Lane, Part[]>();
  const timers = new Map<Lane, NodeJS.Timeout>();
  let isClosing = false;
  const reserved = new Map<string, number>();
  let open = 0;

  const reserve = (lane: Lane, segments: number) => {
    lane.reserved += segments;
    const connector = app.connectorOf(lane)?.name;
    if (connector === undefined) return;
    reserved.set(connector, Math.max(0, (reserved.get(connector) ?? 0) + segments));
  };

  const write = (lane: Lane) => {
    const parts = ready.get(lane);
    const connector = app.connectorOf(lane);
    if (parts === undefined || connector === undefined) return;
    while (parts.length > 0) {
      const epoch = app.epochOf(lane);
      if (isClosing || connector.freeSlots() <= 0 || epoch === undefined) return;
      const now = performance.now();
      const earliest = Math.max(lane.limiter.earliest(), lane.notBefore);
      if (earliest > now) {
        writeLater(lane, earliest - now);
        return;
      }
      const part = parts.shift();
      if (part === undefined) break;
      if (part.flight.claim.epoch !== epoch) lose(part.flight);
      if (part.flight.isOver) {
        reserve(lane, -1);
        continue;
      }
      if (part.flight.accepted === 0 && part.flight.claim.validUntil <= app.clock()) {
        reserve(lane, -1);
        finish(part.flight, "failed", EXPIRED);
        continue;
      }
      lane.limiter.take(now);
      reserve(lane, -1);
      submit(lane, connector, part);
    }
    ready.delete(lane);
  };

  const writeLater = (lane: Lane, ms: number) => {
    if (timers.has(lane)) return;
    const timer = setTimeout(() => {
      timers.delete(lane);
      write(lane);
    }, Math.ceil(ms));
    timers.set(lane, timer);
  };

  const submit = (lane: Lane, connector: Connector, part: Part) => {
    const submittedAt = app.clock();
    part.flight.firstSentAt ??= submittedAt;
    open += 1;
    void connector.submit(toSubmission(part)).then((result) => {
      open -= 1;
      settle({ lane, connector, part, submittedAt, result });
      app.onTaken();
    });
  };

  const settle = (answer: {
    lane: Lane;
    connector: Connector;
    part: Part;
    submittedAt: Date;
    result: SubmitResult;
  }) => {
    const { lane, part, result } = answer;
    const { flight } = part;
    const carrierKey =
      result.kind === "accepted" ? app.carrierKey(result.carrierMessageId) : undefined;
    if (result.kind !== "unavailable") {
      flight.submissions.push(toRecord(part, { ...answer, carrierKey }));
    }
    switch (result.kind) {
      case "accepted":
        flight.accepted += 1;
        if (flight.accepted === flight.texts.length) finish(flight, "sent", undefined);
        return;
      case "refused":
        finish(flight, "failed", result.errorCode);
        return;
      case "throttled":
        again(lane, part, result.retryAfterMs);
        return;
      case "unavailable":
        again(lane, part, AGAIN_MS);
        return;
      case "unknown":
        if (flight.message.whenUnknown === "resend") again(lane, part, AGAIN_MS);
        else hold(flight);
        return;
      default:
        unreachable(result);
    }
  };

  /** The part keeps its place: at the head, with the lane waiting behind it. */
  const again = (lane: Lane, part: Part, afterMs: number) => {
    if (part.attempt >= ATTEMPTS_MAX) return finish(part.flight, "failed", UNKNOWN_ERROR);
    lane.notBefore = Math.max(lane.notBefore, performance.now() + afterMs);
    reserve(lane, 1);
    const parts = ready.get(lane) ?? [];
    const later = parts.findIndex((other) => other.flight.claim.id >= part.flight.claim.id);
    parts.splice(later === -1 ? parts.length : later, 0, { ...part, attempt: part.attempt + 1 });
    ready.set(lane, parts);
    writeLater(lane, afterMs);
  };

  const hold = (flight: Flight) => {
    flight.isOver = true;
    app.hold(flight, "The answer of the carrier is not known.");
  };

  const lose = (flight: Flight) => {
    if (flight.isOver) return;
    flight.isOver = true;
    app.lose(flight);
  };

  const finish = (flight: Flight, status: "sent" | "failed", errorCode: number | undefined) => {
    if (flight.isOver) return;
    flight.isOver = true;
    const end = { status, errorCode, at: app.clock(), createdAt: createdAt(flight.claim.id) };
    app.depart(toDeparture(flight, end));
  };

  return {
    reserve,
    reservedFor: (connector) => reserved.get(connector.name) ?? 0,
    add: (lane, parts) => {
      const waiting = ready.get(lane) ?? [];
      waiting.push(...parts);
      ready.set(lane, waiting);
    },
    write,
    writeAll: () => {
      for (const lane of [...ready.keys()]) write(lane);
    },
    close: async () => {
      isClosing = true;
      for (const timer of timers.values()) clearTimeout(timer);
      const deadline = performance.now() + CLOSE_MS_MAX;
      while (open > 0 && performance.now() < deadline) {
        await new Promise((done) => setTimeout(done, 20));
      }
    },
  };
}
