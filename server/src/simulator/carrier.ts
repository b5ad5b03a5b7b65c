import { decodeText } from "../connectors/smpp/text.ts";
import { type ShortMessage, statuses } from "../smpp/pdus.ts";
import { type LineFault, states } from "./behaviours.ts";
import { type Delivery, partsOf, type Receipt, type Text } from "./delivery.ts";
import { createDueList } from "./due-list.ts";
import type { Journal } from "./journal.ts";
import type { Network, Reaction, ReceiptPlan } from "./network.ts";
import type { Phones } from "./phones.ts";

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
  readonly submit: (bind: number, pdu: ShortMessage, nowMs: number) => SubmitAnswer;
  /** A text from a phone. */
  readonly inject: (text: Text, nowMs: number) => void;
  /** What is to be brought now; each must be settled or come again. */
  readonly take: (nowMs: number, max: number) => readonly Delivery[];
  /** When there is something to take. */
  readonly nextAt: () => number | undefined;
  /** It was acknowledged. */
  readonly settle: (delivery: Delivery) => void;
  readonly again: (delivery: Delivery, nowMs: number) => void;
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
/** People answer one second later, a sender at most once a minute: two robots must not chat. */
const REPLY_MS = 1_000;
const REPLY_PAUSE_MS = 60_000;
const REPLIES_KEPT_MAX = 10_000;

export function createCarrier(app: {
  network: Network;
  phones: Phones;
  journal: Journal;
  pendingMax?: number;
}): Carrier {
  const { network, phones, journal, pendingMax = PENDING_MAX } = app;
  const due = createDueList<Delivery>();
  const repliedAt = new Map<string, number>();
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
    journal.remove(delivery.number);
  };

  const inject = (text: Text, nowMs: number) => {
    reference = (reference + 1) % 256;
    for (const part of partsOf(text, { reference, nextNumber })) add(part, nowMs);
  };

  const show = (pdu: ShortMessage, reply: string | undefined, nowMs: number) => {
    const text = phones.receive(pdu, nowMs);
    if (text === undefined || reply === undefined) return;
    const pair = `${text.to} ${text.from}`;
    if (nowMs - (repliedAt.get(pair) ?? Number.NEGATIVE_INFINITY) < REPLY_PAUSE_MS) return;
    repliedAt.delete(pair);
    repliedAt.set(pair, nowMs);
    if (repliedAt.size > REPLIES_KEPT_MAX) {
      for (const oldest of repliedAt.keys()) {
        repliedAt.delete(oldest);
        break;
      }
    }
    inject({ from: text.to, to: text.from, body: reply }, nowMs + REPLY_MS);
  };

  /** What is strange about a receipt: its id, or where it comes. */
  const oddly = ({ ids, isElsewhere }: Reaction, id: number, bind: number): Partial<Receipt> => ({
    ...(ids === "decimal then hex" ? { writtenId: id.toString(16) } : {}),
    ...(ids === "unrelated" ? { messageId: String(journal.nextId()) } : {}),
    ...(isElsewhere ? { notOn: bind } : {}),
  });

  const takeIn = (bind: number, pdu: ShortMessage, reaction: Reaction, nowMs: number) => {
    counts.submitted += 1;
    const id = journal.nextId();
    const early: Delivery[] = [];
    const plans = reaction.isOncePerText && !isLastPart(pdu) ? [] : reaction.receipts;
    for (const plan of plans) {
      if (!isWanted(pdu.registeredDelivery, plan.state)) continue;
      const ordinary = receiptOf(pdu, { number: nextNumber(), reaction, plan, id, nowMs });
      const receipt = reaction.isOdd ? { ...ordinary, ...oddly(reaction, id, bind) } : ordinary;
      if (reaction.isEarly) {
        keep(receipt, nowMs);
        early.push(receipt);
      } else add(receipt, nowMs + plan.afterMs);
    }
    if (reaction.isShown) show(pdu, reaction.reply, nowMs);
    return { id, early };
  };

  return {
    submit: (bind, pdu, nowMs) => {
      const reaction = network.react({ bind, sender: pdu.source, recipient: pdu.dest }, nowMs);
      const { status, line, answerMs } = reaction;
      if (status === undefined) counts.unanswered += 1;
      else if (status !== statuses.ok) counts.refused += 1;
      if (!reaction.isTaken) {
        return status === undefined
          ? { kind: "silent", id: undefined, line }
          : { kind: "refused", status, line };
      }
      const { id, early } = takeIn(bind, pdu, reaction, nowMs);
      if (status === undefined) {
        for (const delivery of early) due.add(nowMs, delivery);
        return { kind: "silent", id, line };
      }
      const messageId = reaction.ids === "hex" ? id.toString(16) : String(id);
      return { kind: "accepted", messageId, id, early, answerMs, line };
    },
    inject,
    take: due.take,
    nextAt: due.nextAt,
    settle: (delivery) => {
      counts.pending -= 1;
      counts.brought += 1;
      journal.remove(delivery.number);
    },
    again: (delivery, nowMs) => due.add(nowMs + AGAIN_MS, delivery),
    counts: () => ({ ...counts }),
  };
}

/** registered_delivery of SMPP 3.4, section 5.2.17, and 3, which is of 5.0: successes alone. */
function isWanted(registeredDelivery: number, state: number): boolean {
  const asked = registeredDelivery & 3;
  const isSuccess = state === states.delivered;
  return asked === 1 || (asked === 2 && !isSuccess) || (asked === 3 && isSuccess);
}

function isLastPart(pdu: ShortMessage): boolean {
  const { part, total } = decodeText(pdu);
  return part === total;
}

function receiptOf(
  pdu: ShortMessage,
  about: { number: number; reaction: Reaction; plan: ReceiptPlan; id: number; nowMs: number },
): Receipt {
  const { number, reaction, plan, id, nowMs } = about;
  return {
    kind: "receipt",
    number,
    messageId: String(id),
    // With the optional parameter a gateway would find the id without conversion.
    isBare: reaction.isBare || reaction.ids === "hex" || reaction.ids === "decimal then hex",
    phone: pdu.dest,
    phoneTon: pdu.destTon,
    phoneNpi: pdu.destNpi,
    sender: pdu.source,
    senderTon: pdu.sourceTon,
    senderNpi: pdu.sourceNpi,
    state: plan.state,
    error: plan.error,
    submittedAtMs: nowMs,
    doneAtMs: nowMs + plan.afterMs,
  };
}
