import { type ShortMessage, statuses } from "../smpp/pdus.ts";
import { readTime } from "../smpp/times.ts";
import { type LineFault, states } from "./behaviours.ts";
import { type Delivery, partsOf, type Receipt, type Text } from "./delivery.ts";
import { createDueList } from "./due-list.ts";
import type { Journal } from "./journal.ts";
import type { Network, Reaction } from "./network.ts";
import { createPeople } from "./people.ts";
import type { Phones } from "./phones.ts";
import { plansFor, receiptOf } from "./receipts.ts";
import { createTexts, type OpenText, type TakenText, type Texts } from "./texts.ts";

export type SubmitAnswer =
  | {
      readonly kind: "accepted";
      /** As the answer writes it. */
      readonly messageId: string;
      readonly id: number;
      /** To be brought before the answer. */
      readonly early: readonly Delivery[];
      readonly answerMs: number | undefined;
      readonly line: LineFault | undefined;
    }
  | { readonly kind: "refused"; readonly status: number; readonly line: LineFault | undefined }
  /** Never answered; with an id when the text was taken all the same. */
  | {
      readonly kind: "silent";
      readonly id: number | undefined;
      readonly line: LineFault | undefined;
    };

/** A carrier as a machine without sockets or timers: it is told the time, so tests run its days. */
export type Carrier = {
  /** With an id, of a text that goes to several, its first recipient's. */
  readonly submit: (bind: number, pdu: ShortMessage, nowMs: number, id?: number) => SubmitAnswer;
  /** A text from a phone. */
  readonly inject: (text: Text, nowMs: number) => void;
  /** What is to be brought now; each must be settled or come again. */
  readonly take: (nowMs: number, max: number) => readonly Delivery[];
  /** When there is something to take. */
  readonly nextAt: () => number | undefined;
  /** It was acknowledged. */
  readonly settle: (delivery: Delivery) => void;
  readonly again: (delivery: Delivery, nowMs: number) => void;
  readonly texts: Texts;
  /** Whether it could still be. */
  readonly cancel: (text: TakenText, nowMs: number) => boolean;
  /** The status of the answer to replace_sm. */
  readonly replace: (text: TakenText, changes: Partial<ShortMessage>, nowMs: number) => number;
  readonly counts: () => CarrierCounts;
};

export type CarrierCounts = {
  readonly submitted: number;
  readonly refused: number;
  readonly unanswered: number;
  /** Receipts and texts that were acknowledged, that wait, that did not fit. */
  readonly brought: number;
  readonly pending: number;
  readonly lost: number;
};

/** Receipts and texts that wait for a bind; beyond it the oldest is lost, as in a real network. */
const PENDING_MAX = 200_000;
const AGAIN_MS = 2_000;

export function createCarrier(app: {
  network: Network;
  phones: Phones;
  journal: Journal;
  pendingMax?: number;
}): Carrier {
  const { network, phones, journal, pendingMax = PENDING_MAX } = app;
  const due = createDueList<Delivery>();
  const texts = createTexts();
  /** Ids of texts that go out at a time. */
  const scheduled = createDueList<number>();
  /** Numbers of receipts that wait for what a cancel_sm could still prevent, or has prevented. */
  const preventable = new Set<number>();
  const dropped = new Set<number>();
  const counts = { submitted: 0, refused: 0, unanswered: 0, brought: 0, pending: 0, lost: 0 };
  let number = 0;
  let reference = 0;

  for (const { delivery, dueMs } of journal.found()) {
    number = Math.max(number, delivery.number);
    counts.pending += 1;
    due.add(dueMs, delivery);
  }

  const nextNumber = () => {
    number += 1;
    return number;
  };

  const keep = (delivery: Delivery, dueMs: number) => {
    counts.pending += 1;
    journal.add(delivery, dueMs);
  };

  const add = (delivery: Delivery, dueMs: number) => {
    if (counts.pending >= pendingMax) {
      for (const oldest of due.take(Number.POSITIVE_INFINITY, 1)) forget(oldest);
    }
    keep(delivery, dueMs);
    due.add(dueMs, delivery);
  };

  const forget = (delivery: Delivery) => {
    counts.pending -= 1;
    counts.lost += 1;
    preventable.delete(delivery.number);
    journal.remove(delivery.number);
  };

  const inject = (text: Text, nowMs: number) => {
    reference = (reference + 1) % 256;
    for (const part of partsOf(text, { reference, nextNumber })) add(part, nowMs);
  };

  const people = createPeople(phones, inject);

  /** What is strange about a receipt: its id, or where it comes. */
  const oddly = ({ ids, isElsewhere }: Reaction, id: number, bind: number): Partial<Receipt> => ({
    ...(ids === "decimal then hex" ? { writtenId: id.toString(16) } : {}),
    ...(ids === "unrelated" ? { messageId: String(journal.nextId()) } : {}),
    ...(isElsewhere ? { notOn: bind } : {}),
  });

  /** The text goes out: its receipts wait, and its phone shows it. */
  const sendOut = (id: number, { bind, pdu, reaction }: OutgoingText, nowMs: number) => {
    const early: Delivery[] = [];
    const waiting: number[] = [];
    for (const plan of plansFor(pdu, reaction)) {
      const ordinary = receiptOf(pdu, { number: nextNumber(), reaction, plan, id, nowMs });
      const receipt = reaction.isOdd ? { ...ordinary, ...oddly(reaction, id, bind) } : ordinary;
      if (reaction.isEarly) {
        keep(receipt, nowMs);
        early.push(receipt);
      } else add(receipt, nowMs + plan.afterMs);
      waiting.push(receipt.number);
      if (!reaction.isShown) preventable.add(receipt.number);
    }
    if (reaction.isShown) people.show(pdu, reaction.reply, nowMs);
    putText(id, { bind, pdu, reaction, receipts: waiting, scheduledAtMs: undefined }, nowMs);
    return early;
  };

  const putText = (id: number, text: OpenText, nowMs: number) => {
    const { pdu, reaction, scheduledAtMs } = text;
    const isOpen = scheduledAtMs !== undefined || !reaction.isShown;
    const afterMs = isOpen ? (reaction.receipts.at(-1)?.afterMs ?? 0) : 0;
    texts.put({
      id,
      sender: pdu.source,
      recipient: pdu.dest,
      serviceType: pdu.serviceType,
      state: reaction.state,
      error: reaction.error,
      doneAtMs: (scheduledAtMs ?? nowMs) + afterMs,
      open: isOpen ? text : undefined,
    });
  };

  /** Nothing: now. Not a number: no time that can be read. */
  const scheduleOf = (scheduleTime: string, nowMs: number): number | undefined => {
    if (scheduleTime === "") return undefined;
    const atMs = readTime(scheduleTime, new Date(nowMs))?.getTime() ?? Number.NaN;
    return atMs <= nowMs ? undefined : atMs;
  };

  const sendScheduled = (nowMs: number) => {
    for (const id of scheduled.take(nowMs, Number.POSITIVE_INFINITY)) {
      const { open } = texts.byId(id) ?? {};
      // Cancelled or put off meanwhile, when it says otherwise.
      if (open?.scheduledAtMs !== undefined && open.scheduledAtMs <= nowMs)
        sendOut(id, open, nowMs);
    }
  };

  const cancel: Carrier["cancel"] = (text, nowMs) => {
    const { id, open } = text;
    if (open === undefined || nowMs >= text.doneAtMs) return false;
    for (const receipt of open.receipts) {
      if (!preventable.delete(receipt)) continue;
      dropped.add(receipt);
      counts.pending -= 1;
      journal.remove(receipt);
    }
    const outcome = { state: states.deleted, error: "000" };
    texts.put({ ...text, ...outcome, doneAtMs: nowMs, open: undefined });
    const reaction = { ...open.reaction, receipts: [{ ...outcome, afterMs: 0 }] };
    for (const plan of plansFor(open.pdu, reaction)) {
      add(receiptOf(open.pdu, { number: nextNumber(), reaction, plan, id, nowMs }), nowMs);
    }
    return true;
  };

  const replace: Carrier["replace"] = (text, { scheduleTime = "", ...changes }, nowMs) => {
    const { open } = text;
    if (open === undefined || nowMs >= text.doneAtMs) return statuses.replaceFailed;
    const atMs = scheduleOf(scheduleTime, nowMs) ?? open.scheduledAtMs;
    if (Number.isNaN(atMs)) return statuses.invalidScheduleTime;
    const scheduledAtMs = open.scheduledAtMs === undefined ? undefined : atMs;
    const pdu = { ...open.pdu, ...changes };
    texts.put({ ...text, open: { ...open, pdu, scheduledAtMs } });
    if (scheduledAtMs !== undefined) scheduled.add(scheduledAtMs, text.id);
    return statuses.ok;
  };

  return {
    submit: (bind, pdu, nowMs, sharedId) => {
      const reaction = network.react({ bind, sender: pdu.source, recipient: pdu.dest }, nowMs);
      const { status, line, answerMs } = reaction;
      if (status === undefined) counts.unanswered += 1;
      else if (status !== statuses.ok) counts.refused += 1;
      if (!reaction.isTaken) {
        return status === undefined
          ? { kind: "silent", id: undefined, line }
          : { kind: "refused", status, line };
      }
      const scheduledAtMs = scheduleOf(pdu.scheduleTime, nowMs);
      if (Number.isNaN(scheduledAtMs)) {
        return { kind: "refused", status: statuses.invalidScheduleTime, line };
      }
      counts.submitted += 1;
      const id = sharedId ?? journal.nextId();
      let early: readonly Delivery[] = [];
      if (scheduledAtMs === undefined) early = sendOut(id, { bind, pdu, reaction }, nowMs);
      else {
        const later = { ...reaction, isEarly: false };
        putText(id, { bind, pdu, reaction: later, receipts: [], scheduledAtMs }, nowMs);
        scheduled.add(scheduledAtMs, id);
      }
      if (status === undefined) {
        for (const delivery of early) due.add(nowMs, delivery);
        return { kind: "silent", id, line };
      }
      const messageId = reaction.ids === "hex" ? id.toString(16) : String(id);
      return { kind: "accepted", messageId, id, early, answerMs, line };
    },
    inject,
    take: (nowMs, max) => {
      sendScheduled(nowMs);
      const taken = due.take(nowMs, max);
      return dropped.size === 0 ? taken : taken.filter(({ number: one }) => !dropped.delete(one));
    },
    nextAt: () => {
      const [first, second] = [due.nextAt(), scheduled.nextAt()];
      return first === undefined || second === undefined
        ? (first ?? second)
        : Math.min(first, second);
    },
    ...{ texts, cancel, replace },
    settle: (delivery) => {
      if (dropped.delete(delivery.number)) return;
      preventable.delete(delivery.number);
      counts.pending -= 1;
      counts.brought += 1;
      journal.remove(delivery.number);
    },
    again: (delivery, nowMs) => {
      if (!dropped.delete(delivery.number)) due.add(nowMs + AGAIN_MS, delivery);
    },
    counts: () => ({ ...counts }),
  };
}

type OutgoingText = Pick<OpenText, "bind" | "pdu" | "reaction">;
