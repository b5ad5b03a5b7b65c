import { statuses } from "../smpp/pdus.ts";

/** What the network does with a submission; times in milliseconds from now. */
export type Reaction = {
  /** Of the answer to submit_sm. */
  readonly status: number;
  readonly receipts: readonly {
    readonly afterMs: number;
    readonly state: number;
    readonly error: string;
  }[];
  /** What the person who got it answers. */
  readonly reply: { readonly afterMs: number; readonly text: string } | undefined;
  readonly isShown: boolean;
};

type Behaviour = {
  readonly suffix: string;
  readonly what: string;
  readonly status?: number;
  readonly state?: number;
  readonly error?: string;
  readonly afterMs?: number;
  readonly receipts?: number;
  readonly reply?: string;
};

const DELIVERED = 2;
const EXPIRED = 3;
const UNDELIVERABLE = 5;
const REJECTED = 8;

/** What a recipient's last four digits choose. docs/simulator.md shows the same table. */
export const behaviours: readonly Behaviour[] = [
  {
    suffix: "9901",
    what: "unknown number: the receipt says undeliverable",
    state: UNDELIVERABLE,
    error: "001",
  },
  {
    suffix: "9902",
    what: "phone switched off: the receipt says expired",
    state: EXPIRED,
    error: "027",
  },
  {
    suffix: "9903",
    what: "filtered by the carrier: the receipt says rejected",
    state: REJECTED,
    error: "045",
  },
  {
    suffix: "9904",
    what: "refused at once: invalid destination",
    status: statuses.invalidDestination,
  },
  { suffix: "9905", what: "throttled three times out of four", status: statuses.throttled },
  { suffix: "9906", what: "receipt after 30 seconds", afterMs: 30_000 },
  { suffix: "9907", what: "receipt twice", receipts: 2 },
  { suffix: "9908", what: "receipt before the answer to the submission", afterMs: -1 },
  { suffix: "9909", what: "no receipt, ever", receipts: 0 },
  { suffix: "9911", what: "a person who answers 'Thanks!'", reply: "Thanks!" },
  { suffix: "9912", what: "a person who answers STOP", reply: "STOP" },
];

const bySuffix = new Map(behaviours.map((behaviour) => [behaviour.suffix, behaviour]));
const REPLY_MS = 1_000;

export type Network = {
  readonly react: (recipient: string) => Reaction;
};

/** A carrier network as a pure model: the same seed and calls give the same reactions. */
export function createNetwork(options: { seed: number; receiptDelayMs: number }): Network {
  const random = createRandom(options.seed);
  let throttles = 0;
  return {
    react: (recipient) => {
      const behaviour = bySuffix.get(recipient.slice(-4));
      const spreadMs = Math.round(options.receiptDelayMs * (0.5 + random()));
      if (behaviour?.status === statuses.throttled) {
        throttles += 1;
        if (throttles % 4 !== 0) return refusal(statuses.throttled);
      } else if (behaviour?.status !== undefined) return refusal(behaviour.status);
      const receipt = {
        afterMs: behaviour?.afterMs ?? spreadMs,
        state: behaviour?.state ?? DELIVERED,
        error: behaviour?.error ?? "000",
      };
      const isShown = receipt.state === DELIVERED;
      return {
        status: statuses.ok,
        receipts: Array.from({ length: behaviour?.receipts ?? 1 }, () => receipt),
        reply: behaviour?.reply && { afterMs: REPLY_MS, text: behaviour.reply },
        isShown,
      } as Reaction;
    },
  };
}

function refusal(status: number): Reaction {
  return { status, receipts: [], reply: undefined, isShown: false };
}

/** Mulberry32: small, seeded, good enough for delays. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
