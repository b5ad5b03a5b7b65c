import { createAlarm } from "../lib/alarm.ts";
import { type Limiter, noteWritten } from "../throughput/limiter.ts";
import { type Part, toSubmission } from "./flight.ts";
import { earliestFrom, type Lane, reserve, takeFrom } from "./lane.ts";
import { connectorOf, leaveLost, move, segmentsOf } from "./move-parts.ts";
import type { PartWriter, PartWriterNeeds, Writing } from "./part-writer.ts";
import { sortPaused } from "./paused-parts.ts";
import { endRefused, finish, type Sent, settle } from "./settle-part.ts";

/** How long a closing process waits for carriers' answers; what is open then is in doubt. */
const CLOSE_MS_MAX = 5_000;
/** How soon to ask again for a part of a limit that several owners share, at the latest. */
const NO_PART_MS = 100;
const EXPIRED = 30036;

/** Writes claimed parts to their connector, in order, each at the instant its limiter allows. */
export function createPartWriter(app: PartWriterNeeds): PartWriter {
  const writer: Writing = {
    ...{ ...app, isClosing: false, open: 0, ready: new Map(), stalled: new Set() },
    ...{ leaving: undefined, alarm: createAlarm((lane) => write(writer, lane)) },
    write: (lane) => write(writer, lane),
  };
  return {
    add: (lane, parts) => {
      const waiting = writer.ready.get(lane) ?? [];
      waiting.push(...parts);
      writer.ready.set(lane, waiting);
    },
    write: writer.write,
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

async function close(writer: Writing): Promise<void> {
  writer.isClosing = true;
  writer.alarm.close();
  const deadline = performance.now() + CLOSE_MS_MAX;
  while (writer.open > 0 && performance.now() < deadline) {
    await new Promise((done) => setTimeout(done, 20));
  }
}
