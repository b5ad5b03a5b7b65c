import { statuses } from "../smpp/pdus.ts";
import { type Behaviour, behaviourOf, type LineFault, states } from "./behaviours.ts";
import { createRandom } from "./random.ts";
import { type Scenario, type ScenarioName, scenarios } from "./scenarios.ts";

export type ReceiptPlan = {
  /** From the submission on. */
  readonly afterMs: number;
  readonly state: number;
  readonly error: string;
};

/** What the network does with a submission. */
export type Reaction = {
  /** Of the answer to submit_sm; nothing: it is never answered. */
  readonly status: number | undefined;
  /** The text is taken: there may be receipts, and a phone that shows it. */
  readonly isTaken: boolean;
  readonly receipts: readonly ReceiptPlan[];
  /** What becomes of the text, whether a receipt says so or not. */
  readonly state: number;
  readonly error: string;
  /** Before the answer to submit_sm. */
  readonly isEarly: boolean;
  /** The receipt has no optional parameters. */
  readonly isBare: boolean;
  readonly ids: "decimal" | NonNullable<Behaviour["ids"]>;
  /** Until the answer, where the bind's dialect does not say. */
  readonly answerMs: number | undefined;
  readonly line: LineFault | undefined;
  readonly isElsewhere: boolean;
  /** Its receipts have another id than usual, or come elsewhere. */
  readonly isOdd: boolean;
  readonly isOncePerText: boolean;
  readonly isShown: boolean;
  /** What the person who got it answers. */
  readonly reply: string | undefined;
};

export type Network = {
  readonly react: (
    submission: { readonly bind: number; readonly sender: string; readonly recipient: string },
    nowMs: number,
  ) => Reaction;
  readonly scenario: () => Scenario;
  /** For one bind, or for all that have none of their own. */
  readonly use: (name: ScenarioName, nowMs: number, bind?: number) => void;
  /** What happens to texts whose recipient chooses nothing, by bind in the same way. */
  readonly behave: (behaviour: Behaviour | undefined, bind?: number) => void;
  /** The bind is gone. */
  readonly forget: (bind: number) => void;
  /** Whether an outage keeps everybody out, or ends the bind. */
  readonly isClosed: (nowMs: number, bind?: number) => boolean;
};

/** Between two receipts of one submission. */
const BETWEEN_MS = 200;
/** Binds and senders whose counts are remembered. */
const COUNTED_MAX = 10_000;
const DAY_MS = 86_400_000;
const none: readonly ReceiptPlan[] = [];
const ordinary: Behaviour = { suffix: "", what: "" };
const capped: Behaviour = { suffix: "", what: "", state: states.rejected, error: "022" };
const undelivered: Behaviour = { suffix: "", what: "", state: states.undeliverable, error: "099" };

type Chosen = { readonly scenario: Scenario; readonly atMs: number };

/** A carrier network as a pure model: the same seed and calls give the same reactions. */
export function createNetwork(options: {
  seed: number;
  /** The middle of the time until a receipt, where the scenario does not say. */
  receiptDelayMs: number;
  scenario: ScenarioName;
  nowMs: number;
}): Network {
  const random = createRandom(options.seed);
  const happens = (share: number) => share > 0 && random() < share;
  let chosen: Chosen = { scenario: scenarios[options.scenario], atMs: options.nowMs };
  const ofBinds = new Map<number, Chosen>();
  let usual: Behaviour | undefined;
  const usualOfBinds = new Map<number, Behaviour>();
  let passing = 0;
  const inSecond = createCounter();
  const inDay = createCounter();

  /** The status that turns a submission away, whatever its number. */
  const turnAway = (scenario: Scenario, bind: number, nowMs: number): number | undefined => {
    const { throttledAbove, queueFullShare, temporaryShare } = scenario;
    if (throttledAbove !== undefined) {
      const second = Math.floor(nowMs / 1_000);
      if (inSecond.count(String(bind), second) >= throttledAbove) return statuses.throttled;
      inSecond.add(String(bind), second);
    }
    if (happens(queueFullShare)) return statuses.queueFull;
    return happens(temporaryShare) ? statuses.temporaryAppError : undefined;
  };

  const refusalOf = ({ status, isPassing }: Behaviour): number | undefined => {
    if (status === undefined || isPassing === undefined) return status;
    passing += 1;
    return passing % 4 === 0 ? undefined : status;
  };

  const behaviourFor = (
    scenario: Scenario,
    { bind, recipient, sender }: { bind: number; recipient: string; sender: string },
    nowMs: number,
  ): Behaviour => {
    if (scenario.capPerDay !== undefined) {
      const day = Math.floor(nowMs / DAY_MS);
      inDay.add(sender, day);
      if (inDay.count(sender, day) > scenario.capPerDay) return capped;
    }
    const named = behaviourOf(recipient.slice(-4)) ?? usualOfBinds.get(bind) ?? usual;
    if (named !== undefined) return named;
    return happens(scenario.undeliveredShare) ? undelivered : ordinary;
  };

  const receiptsOf = (scenario: Scenario, behaviour: Behaviour): readonly ReceiptPlan[] => {
    const middleMs = scenario.receiptMs ?? options.receiptDelayMs;
    const spread = Math.round(middleMs * (0.5 + random()) * (happens(scenario.lateShare) ? 10 : 1));
    const afterMs = behaviour.isEarly ? 0 : (behaviour.afterMs ?? spread);
    const isLost = happens(scenario.lostShare);
    const count = isLost ? 0 : (behaviour.receipts ?? (happens(scenario.twiceShare) ? 2 : 1));
    if (count === 0) return none;
    const { state = states.delivered, error = "000", firstState } = behaviour;
    const last = { afterMs, state, error };
    if (firstState !== undefined) {
      return [
        { afterMs, state: firstState, error: "000" },
        { ...last, afterMs: afterMs + BETWEEN_MS },
      ];
    }
    return count === 1 ? [last] : [last, { ...last, afterMs: afterMs + BETWEEN_MS }];
  };

  return {
    react: ({ bind, sender, recipient }, nowMs) => {
      const { scenario } = ofBinds.get(bind) ?? chosen;
      const status = turnAway(scenario, bind, nowMs);
      if (status !== undefined) return refusal(status);
      const behaviour = behaviourFor(scenario, { bind, recipient, sender }, nowMs);
      const refused = refusalOf(behaviour);
      if (refused !== undefined) return refusal(refused, behaviour.line);
      if (behaviour.silence === "lost") return refusal(undefined);
      const isSilent = behaviour.silence !== undefined || happens(scenario.silentShare);
      const { state = states.delivered, error = "000" } = behaviour;
      const isShown = state === states.delivered;
      // Written out, as a spread behind other fields costs more than all the rest.
      return {
        status: isSilent ? undefined : statuses.ok,
        isTaken: true,
        isShown,
        state,
        error,
        receipts: receiptsOf(scenario, behaviour),
        isEarly: behaviour.isEarly === true,
        isBare: behaviour.isBare === true,
        ids: behaviour.ids ?? scenario.ids,
        answerMs: behaviour.answerMs,
        line: behaviour.line,
        isElsewhere: behaviour.isElsewhere === true,
        isOdd: behaviour.isElsewhere === true || behaviour.ids !== undefined,
        isOncePerText: behaviour.isOncePerText === true,
        reply: isShown ? behaviour.reply : undefined,
      };
    },
    scenario: () => chosen.scenario,
    use: (name, nowMs, bind) => {
      const next = { scenario: scenarios[name], atMs: nowMs };
      if (bind === undefined) chosen = next;
      else ofBinds.set(bind, next);
    },
    behave: (behaviour, bind) => {
      if (bind === undefined) usual = behaviour;
      else if (behaviour === undefined) usualOfBinds.delete(bind);
      else usualOfBinds.set(bind, behaviour);
    },
    forget: (bind) => {
      ofBinds.delete(bind);
      usualOfBinds.delete(bind);
    },
    isClosed: (nowMs, bind) => {
      const { scenario, atMs } = (bind === undefined ? undefined : ofBinds.get(bind)) ?? chosen;
      if (scenario.outage === undefined) return false;
      const { everyMs, lastsMs } = scenario.outage;
      return (nowMs - atMs) % everyMs >= everyMs - lastsMs;
    },
  };
}

function refusal(status: number | undefined, line?: LineFault): Reaction {
  return {
    ...{ status, line, isTaken: false, receipts: none, isEarly: false, isBare: false },
    ...{ ids: "decimal", isShown: false, reply: undefined, answerMs: undefined },
    ...{ isElsewhere: false, isOdd: false, isOncePerText: false },
    ...{ state: states.rejected, error: "000" },
  };
}

/** Counts by name within a period; a new period begins at zero. */
function createCounter() {
  const counts = new Map<string, number>();
  let current = Number.NaN;
  const enter = (period: number) => {
    if (period === current) return;
    counts.clear();
    current = period;
  };
  return {
    count: (name: string, period: number) => {
      enter(period);
      return counts.get(name) ?? 0;
    },
    add: (name: string, period: number) => {
      enter(period);
      if (counts.size < COUNTED_MAX || counts.has(name)) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    },
  };
}
