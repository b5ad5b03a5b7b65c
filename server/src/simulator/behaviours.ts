import { statuses } from "../smpp/pdus.ts";

/** message_state of SMPP 3.4, section 5.2.28. */
export const states = {
  enroute: 1,
  delivered: 2,
  expired: 3,
  deleted: 4,
  undeliverable: 5,
  accepted: 6,
  unknown: 7,
  rejected: 8,
} as const;

/** What happens to the answer, or behind it; `nack` and `bare` are refusals. */
export type LineFault = "cut" | "closed" | "nack" | "bare" | "unbind" | "slow" | "deaf";

export type Behaviour = {
  readonly suffix: string;
  readonly what: string;
  /** Of the answer to submit_sm. */
  readonly status?: number;
  /** The status is given three times out of four; the fourth submission goes through. */
  readonly isPassing?: true;
  /** submit_sm is never answered; `lost`: nor does the text arrive. */
  readonly silence?: "arrives" | "lost";
  readonly state?: number;
  readonly error?: string;
  /** A receipt that comes before the last one. */
  readonly firstState?: number;
  readonly afterMs?: number;
  readonly isEarly?: true;
  readonly receipts?: number;
  /** How the answer's id and the receipt's differ: in hexadecimal, or altogether. */
  readonly ids?: "hex" | "decimal then hex" | "unrelated";
  readonly isBare?: true;
  /** Until the answer. */
  readonly answerMs?: number;
  readonly line?: LineFault;
  /** The receipt comes on another bind. */
  readonly isElsewhere?: true;
  /** Of a long text, the last part alone has a receipt. */
  readonly isOncePerText?: true;
  /** What the person answers. */
  readonly reply?: string;
};

const passing = { isPassing: true } as const;

/** What a recipient's last four digits choose. docs/simulator.md shows the same table. */
export const behaviours: readonly Behaviour[] = [
  {
    ...{ suffix: "9901", what: "unknown number: the receipt says undeliverable" },
    ...{ state: states.undeliverable, error: "001" },
  },
  {
    ...{ suffix: "9902", what: "phone switched off: the receipt says expired" },
    ...{ state: states.expired, error: "027" },
  },
  {
    ...{ suffix: "9903", what: "filtered by the carrier: the receipt says rejected" },
    ...{ state: states.rejected, error: "045" },
  },
  {
    ...{ suffix: "9904", what: "refused at once: invalid destination" },
    status: statuses.invalidDestination,
  },
  {
    ...{ suffix: "9905", what: "throttled three times out of four" },
    ...{ status: statuses.throttled, ...passing },
  },
  { suffix: "9906", what: "receipt after 30 seconds", afterMs: 30_000 },
  { suffix: "9907", what: "receipt twice", receipts: 2 },
  { suffix: "9908", what: "receipt before the answer to the submission", isEarly: true },
  { suffix: "9909", what: "no receipt, ever", receipts: 0 },
  { suffix: "9911", what: "a person who answers 'Thanks!'", reply: "Thanks!" },
  { suffix: "9912", what: "a person who answers STOP", reply: "STOP" },
  { suffix: "9913", what: "a person who answers START", reply: "START" },
  { suffix: "9914", what: "a person who answers HELP", reply: "HELP" },
  {
    suffix: "9915",
    what: "a person who answers in emoji, too long for one part",
    reply: longReply(),
  },
  {
    ...{ suffix: "9916", what: "no answer to the submission, though the text arrives" },
    silence: "arrives",
  },
  {
    ...{ suffix: "9917", what: "no answer to the submission, and the text is lost" },
    silence: "lost",
  },
  {
    ...{ suffix: "9918", what: "queue full three times out of four" },
    ...{ status: statuses.queueFull, ...passing },
  },
  {
    ...{ suffix: "9919", what: "temporary error three times out of four" },
    ...{ status: statuses.temporaryAppError, ...passing },
  },
  {
    ...{ suffix: "9920", what: "refused at once: permanent error" },
    status: statuses.permanentAppError,
  },
  {
    ...{ suffix: "9921", what: "landline: the receipt says undeliverable" },
    ...{ state: states.undeliverable, error: "006" },
  },
  {
    ...{ suffix: "9922", what: "out of reach: a receipt says enroute, a later one expired" },
    ...{ firstState: states.enroute, state: states.expired, error: "028" },
  },
  {
    ...{ suffix: "9923", what: "the receipt says unknown" },
    ...{ state: states.unknown, error: "099" },
  },
  {
    ...{ suffix: "9924", what: "hexadecimal id in the answer, decimal in the receipt" },
    ids: "hex",
  },
  {
    ...{ suffix: "9925", what: "receipt as text alone, without optional parameters" },
    isBare: true,
  },
  {
    ...{ suffix: "9926", what: "a receipt says accepted, a later one delivered" },
    firstState: states.accepted,
  },
  { suffix: "9927", what: "answer to the submission after 15 seconds", answerMs: 15_000 },
  {
    ...{ suffix: "9928", what: "answer cut in the middle, and the connection with it" },
    line: "cut",
  },
  {
    ...{ suffix: "9929", what: "connection closed instead of an answer, though the text arrives" },
    ...{ silence: "arrives", line: "closed" },
  },
  {
    ...{ suffix: "9930", what: "generic_nack instead of an answer, and the text is lost" },
    ...{ status: statuses.systemError, line: "nack" },
  },
  { suffix: "9931", what: "answer, then unbind", line: "unbind" },
  { suffix: "9932", what: "answer a byte at a time", line: "slow" },
  {
    ...{ suffix: "9933", what: "answer, then on that bind no answer to enquire_link any more" },
    line: "deaf",
  },
  {
    ...{ suffix: "9934", what: "receipt on another bind, where there is one" },
    isElsewhere: true,
  },
  {
    ...{ suffix: "9935", what: "decimal id in the answer, hexadecimal in the receipt" },
    ids: "decimal then hex",
  },
  { suffix: "9936", what: "receipt with an id that nobody was given", ids: "unrelated" },
  {
    ...{ suffix: "9937", what: "of a long text, a receipt for its last part alone" },
    isOncePerText: true,
  },
  {
    ...{ suffix: "9938", what: "refused at once, as a header alone: submission failed" },
    ...{ status: statuses.submitFailed, line: "bare" },
  },
];

const bySuffix = new Map(behaviours.map((behaviour) => [behaviour.suffix, behaviour]));

/** What the last four digits choose, if anything. */
export function behaviourOf(suffix: string): Behaviour | undefined {
  return bySuffix.get(suffix);
}

function longReply(): string {
  return "Great news! 🎉 ".repeat(8).trim();
}
