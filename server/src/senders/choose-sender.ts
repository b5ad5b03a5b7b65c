import { unreachable } from "../lib/unreachable.ts";
import { countryOf, parsePhoneNumber } from "../numbers/phone-number.ts";
import { takesNames } from "./name-countries.ts";
import type { CarriedSender } from "./sender.ts";
import type { Service } from "./service.ts";

/** What one sender of a pool has to do. */
export type Load = {
  /** Segments that wait in its queue. */
  readonly depth: number;
  /** Rises with each message that it was chosen for: of equals the one that rested longest goes. */
  readonly lastChosen: number;
};

/** Why a sender was chosen. The words are stored: never rename one. */
export type ChoiceRule = keyof typeof ranks | "sticky" | "area code";
/** Why a sender was not looked at further. The words are stored. */
export type Exclusion =
  | "short code abroad"
  | "toll-free abroad"
  | "name not taken"
  | "name of another country"
  | "not allowed"
  | "queue full"
  | "no connector";

export type Choice =
  | {
      readonly kind: "chosen";
      readonly sender: CarriedSender;
      readonly rule: ChoiceRule;
      /** Those that the rule left, the chosen one first, with the seconds that each needs for its queue. */
      readonly candidates: readonly Candidate[];
      readonly excluded: Exclusions;
    }
  | {
      readonly kind: "none";
      /** 21704 the pool is empty, 21703 nobody reaches the recipient, 30001 all queues are full. */
      readonly errorCode: 21703 | 21704 | 30001;
      readonly excluded: Exclusions;
    };

export type Candidate = { readonly sender: string; readonly queueS: number };
export type Exclusions = Readonly<Partial<Record<Exclusion, number>>>;

export type ToSend = {
  readonly recipient: string;
  readonly segments: number;
  /** What this recipient got its texts from so far. */
  readonly sticky: string | undefined;
  /** What the message names for the case that nobody in the pool can carry it. */
  readonly fallback?: CarriedSender | undefined;
};

/** Of each rank everybody goes before anybody of the next. */
const ranks = {
  "short code at home": 0,
  "number at home": 1,
  name: 2,
  "number abroad": 3,
  fallback: 4,
} as const;
type Rank = keyof typeof ranks;

/** Of the candidates so many are told. */
const CANDIDATES_TOLD_MAX = 5;
/** Where a toll-free number of the North American plan is carried. */
const tollFreeCountries: ReadonlySet<string | undefined> = new Set(["US", "CA"]);

type Looked = {
  readonly sender: CarriedSender;
  readonly rank: Rank;
  readonly queueS: number;
  readonly load: Load;
};

/**
 * Chooses what a message of a service comes from: the recipient's last sender, else a short code of
 * the recipient's country, a number of it, a name where names are taken, a number from abroad; among
 * numbers at home those of the recipient's area code; among equals the one whose queue ends first.
 * Where nobody is left, the message's own fallback.
 */
export function chooseSender(
  service: Pick<Service, "numbers" | "alphaSenders" | "stickySender" | "areaCodeGeomatch">,
  message: ToSend,
  by: {
    readonly nameOf: (name: string) => CarriedSender | undefined;
    /** Whether a rule, such as a registration, lets it text the recipient. */
    readonly isAllowed: (sender: CarriedSender) => boolean;
    /** Nothing when no connector carries it now. */
    readonly loadOf: (sender: CarriedSender) => Load | undefined;
  },
): Choice {
  const excluded: Partial<Record<Exclusion, number>> = {};
  const exclude = (why: Exclusion) => {
    excluded[why] = (excluded[why] ?? 0) + 1;
  };
  const looked: Looked[] = [];
  for (const { sender, rank } of reaching(service, message, { ...by, exclude })) {
    const load = by.loadOf(sender);
    if (load === undefined) exclude("no connector");
    else if (!by.isAllowed(sender)) exclude("not allowed");
    else if (load.depth + message.segments > capacityOf(sender)) exclude("queue full");
    else looked.push({ sender, rank, load, queueS: load.depth / sender.segmentsPerSecond });
  }
  if (looked.length === 0) {
    const isEmpty = service.numbers.length + service.alphaSenders.length === 0;
    const errorCode = isEmpty ? 21704 : excluded["queue full"] === undefined ? 21703 : 30001;
    return { kind: "none", errorCode, excluded };
  }
  const { rule, candidates } = narrow(service, message, looked);
  const sorted = candidates.toSorted(
    (a, b) => a.queueS - b.queueS || a.load.lastChosen - b.load.lastChosen,
  );
  const [chosen] = sorted;
  if (chosen === undefined) throw new Error("A rule left no sender.");
  const told = sorted.slice(0, CANDIDATES_TOLD_MAX).map(({ sender, queueS }) => ({
    ...{ sender: sender.number, queueS: Math.round(queueS * 10) / 10 },
  }));
  return { kind: "chosen", sender: chosen.sender, rule, candidates: told, excluded };
}

/** Segments that a sender's queue may hold. */
export function capacityOf(
  sender: Pick<CarriedSender, "segmentsPerSecond" | "maxQueueSeconds">,
): number {
  return Math.max(255, Math.floor(sender.segmentsPerSecond * sender.maxQueueSeconds));
}

type Reaching = { readonly sender: CarriedSender; readonly rank: Rank };

function reaching(
  service: Pick<Service, "numbers" | "alphaSenders">,
  { recipient, fallback }: ToSend,
  by: {
    readonly nameOf: (name: string) => CarriedSender | undefined;
    readonly exclude: (why: Exclusion) => void;
  },
): Reaching[] {
  const number = parsePhoneNumber(recipient);
  const country = number === undefined ? undefined : countryOf(number);
  const found: Reaching[] = [];
  const look = (sender: CarriedSender, as?: Rank) => {
    const rank = rankOf(sender, country);
    if (isReaching(rank)) found.push({ sender, rank: as ?? rank });
    else by.exclude(rank);
  };
  for (const sender of service.numbers) look(sender);
  const hasOwn = service.alphaSenders.some((one) => one.country === country);
  for (const alpha of service.alphaSenders) {
    const sender = by.nameOf(alpha.name);
    if (sender === undefined) by.exclude("no connector");
    else if (alpha.country !== (hasOwn ? country : null)) by.exclude("name of another country");
    else look(sender);
  }
  const isInPool = found.some(({ sender }) => sender.number === fallback?.number);
  if (fallback !== undefined && !isInPool) look(fallback, "fallback");
  return found;
}

function isReaching(rank: Rank | Exclusion): rank is Rank {
  return rank in ranks;
}

function rankOf(sender: CarriedSender, country: string | undefined): Rank | Exclusion {
  switch (sender.kind) {
    case "short_code":
      return sender.country === country ? "short code at home" : "short code abroad";
    case "toll_free": {
      const isCarried = tollFreeCountries.has(country) && tollFreeCountries.has(sender.country);
      return isCarried || sender.country === country ? "number at home" : "toll-free abroad";
    }
    case "name":
      return takesNames(country) ? "name" : "name not taken";
    case "long_code":
      return sender.country === country ? "number at home" : "number abroad";
    default:
      return unreachable(sender.kind);
  }
}

function narrow(
  service: Pick<Service, "stickySender" | "areaCodeGeomatch">,
  message: ToSend,
  looked: readonly Looked[],
): { readonly rule: ChoiceRule; readonly candidates: readonly Looked[] } {
  const sticky = service.stickySender
    ? looked.filter(({ sender, rank }) => sender.number === message.sticky && rank !== "fallback")
    : [];
  if (sticky.length > 0) return { rule: "sticky", candidates: sticky };
  const best = Math.min(...looked.map(({ rank }) => ranks[rank]));
  const candidates = looked.filter(({ rank }) => ranks[rank] === best);
  const rule = candidates[0]?.rank ?? "number abroad";
  const near = service.areaCodeGeomatch
    ? candidates.filter(({ sender }) => hasSameAreaCode(sender.number, message.recipient))
    : [];
  return near.length > 0 ? { rule: "area code", candidates: near } : { rule, candidates };
}

/** Of numbers of the North American plan: the three digits after +1. */
function hasSameAreaCode(sender: string, recipient: string): boolean {
  return /^\+1\d{10}$/.test(sender) && sender.slice(0, 5) === recipient.slice(0, 5);
}
