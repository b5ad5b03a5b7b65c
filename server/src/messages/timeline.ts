import type { Sql } from "../db/sql.ts";
import { shardOf } from "../lib/message-id.ts";
import { choiceWords, exclusionWords } from "./choice-words.ts";
import { laneLimit } from "./lane-status.ts";
import { findNumberedLane, type StoredLane } from "./lane-store.ts";
import type { Message } from "./message.ts";
import { stopReasons } from "./stop-reasons.ts";
import { AHEAD_MAX, readTimeline, type TimelineRows } from "./timeline-store.ts";
import { type WaitCause, waitCauses } from "./wait-causes.ts";

/** One thing that happened to a message, in words. */
export type TimelineEntry = {
  readonly at: Date;
  readonly kind: string;
  readonly words: string;
  /** The rule, limit or route that led to it. */
  readonly rule?: string;
  readonly remedy?: string;
  /** The far end's own words. */
  readonly raw?: string;
};

/** Why a message is where it is, oldest first; the last entry says what it waits for, if anything. */
export async function messageTimeline(
  app: { readonly sql: Sql; readonly clock: () => Date },
  message: Message,
): Promise<readonly TimelineEntry[]> {
  const rows = await readTimeline(app.sql, message.id);
  const entries = [
    ...acceptedEntries(message),
    ...rows.events.map((event) => unreceiptedEntry(event, rows) ?? eventEntry(event, message)),
    ...rows.submissions.flatMap(submissionEntries),
    ...rows.attempts.map(attemptEntry),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  const { place } = rows;
  const lane =
    place && (await findNumberedLane(app.sql, { shard: shardOf(message.id), lane: place.lane }));
  return [...entries, ...waitEntries(rows, lane, app.clock())];
}

/** An end that no receipt told: the carrier said nothing for as long as the setting allows. */
function unreceiptedEntry(
  { at, kind }: TimelineRows["events"][number],
  { submissions }: TimelineRows,
): TimelineEntry | undefined {
  if (kind !== "undelivered" || submissions.some((row) => row.receiptAt !== null)) return undefined;
  return {
    ...{ at, kind, words: "Counted as undelivered: no receipt came from the carrier." },
    rule: "LONGWAVE_RECEIPT_HOURS: how long a sent text may wait for its receipt.",
    remedy: "Ask the carrier about its receipts. The text may have arrived: do not just repeat it.",
  };
}

function eventEntry(event: TimelineRows["events"][number], message: Message): TimelineEntry {
  const { at, kind, data } = event;
  switch (kind) {
    case "queued":
      return { at, kind, ...choiceWords(data) };
    case "received":
      return { at, kind, words: `Received from a phone, for ${message.recipient}.` };
    case "sent": {
      const { queueMs = 0, paceMs = 0 } = data.waits ?? {};
      return {
        ...{ at, kind },
        words: `Sent. It waited ${seconds(queueMs)} in the queue and ${seconds(paceMs)} for its turn at the sender's pace.`,
      };
    }
    case "delivered":
      return { at, kind, words: "Delivered: the carrier's receipt says that the phone has it." };
    case "deferred":
      return { at, kind, ...waitWords(data.why, new Date(data.until ?? at)) };
    case "released":
      return { at, kind, words: "Released by hand: it goes back to its place in the queue." };
    case "priced":
      return { at, kind, words: "The carrier told what it costs." };
    case "canceled":
      return { at, kind, words: "Canceled by the account before it left." };
    default: {
      const reason = data.errorCode === undefined ? undefined : stopReasons[data.errorCode];
      const code = data.errorCode === undefined ? "" : ` (${data.errorCode})`;
      if (reason === undefined) return { at, kind, words: `The message is ${kind}${code}.` };
      const words = reason.words + exclusionWords(data.excluded);
      return { at, kind, ...reason, words, raw: String(data.errorCode) };
    }
  }
}

/** Told by the message itself: the log has one event for all that were accepted together. */
function acceptedEntries(message: Message): TimelineEntry[] {
  const { direction, createdAt: at, segments, sender, service } = message;
  if (direction === "inbound") return [];
  const through = service === undefined ? `in the queue of ${sender}` : `by ${service}`;
  const words = `Accepted and stored: ${segments} segment(s), ${through}.`;
  return [{ at, kind: "accepted", words }];
}

/** In plain words what a carrier answered to a submission. */
const answers: Readonly<Record<string, string>> = {
  accepted: "accepted it",
  refused: "refused it for good",
  throttled: "asked to be sent less; it is submitted again",
  queueFull: "has no room for it now; it is submitted again",
  temporary: "could not take it now; it is submitted again later",
  unknown: "gave no answer; whether it has it is not certain",
};

function submissionEntries(row: TimelineRows["submissions"][number]): TimelineEntry[] {
  const part = row.parts > 1 ? ` part ${row.part} of ${row.parts}` : "";
  const attempt = row.attempt > 1 ? `, attempt ${row.attempt}` : "";
  const raw = row.carrierCode ?? row.carrierMessageId;
  const submitted: TimelineEntry = {
    ...{
      at: row.submittedAt,
      kind: "submitted",
      rule: `The routes, or the sender's own connector, led to ${row.connector}.`,
    },
    words: `Submitted${part} by connector ${row.connector}${attempt}: the carrier ${answers[row.answer] ?? row.answer}.`,
    ...(raw === null ? {} : { raw }),
  };
  if (row.receiptAt === null) return [submitted];
  const receipt: TimelineEntry = {
    ...{ at: row.receiptAt, kind: "receipt" },
    words: `The carrier's receipt${part && ` for${part}`} says ${row.receiptStatus}.`,
    ...(row.receiptCode === null ? {} : { raw: row.receiptCode }),
  };
  return [submitted, receipt];
}

function attemptEntry(row: TimelineRows["attempts"][number]): TimelineEntry {
  const answer = row.httpStatus === null ? (row.error ?? "no answer") : `HTTP ${row.httpStatus}`;
  return {
    ...{ at: row.at, kind: "webhook", raw: answer },
    words: `Told ${row.url} about '${row.about}', attempt ${row.attempt}: ${answer} after ${row.durationMs} ms.`,
  };
}

/** A cause of a newer release is told by its name. */
function waitWords(why: string | undefined, until: Date): Omit<TimelineEntry, "at" | "kind"> {
  const cause = waitCauses[why as WaitCause] ?? { words: `Waits (${why})`, rule: `${why}` };
  return { ...cause, words: `${cause.words}, until ${until.toISOString().slice(0, 19)}Z.` };
}

function waitEntries(
  { claim, wait, place }: TimelineRows,
  lane: StoredLane | undefined,
  now: Date,
): TimelineEntry[] {
  if (claim !== undefined) {
    if (claim.heldBecause === null) {
      return [{ at: claim.at, kind: "claimed", words: "On its way to the carrier now." }];
    }
    return [
      {
        ...{ at: claim.at, kind: "held", words: `Held: ${claim.heldBecause}` },
        rule: "What may have been sent already is not sent again by guess.",
        remedy: "Decide: 'longwave held release' or 'longwave held expire' with its sid.",
      },
    ];
  }
  if (wait !== undefined) {
    return [{ at: now, kind: "waiting", ...waitWords(wait.why, wait.dueAt) }];
  }
  if (place === undefined) return [];
  const orMore = place.ahead === AHEAD_MAX ? " or more" : "";
  const waits = `Waits in the sender's queue, ${place.ahead}${orMore} message(s) ahead of it.`;
  const limit = lane && laneLimit(lane, true);
  if (limit === undefined) {
    const rule = "The sender's throughput and the connector's window.";
    return [{ at: now, kind: "waiting", words: waits, rule }];
  }
  const { words, setBy, remedy } = limit;
  const rule = `The lane's limit now: ${limit.name}, set by ${setBy}.`;
  return [{ at: now, kind: "waiting", words: `${waits} ${words}`, rule, remedy }];
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(2)} s`;
}
