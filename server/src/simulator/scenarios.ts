/** How a network behaves as a whole. Shares are between 0 and 1. */
export type Scenario = {
  readonly name: ScenarioName;
  /** Accepted submissions in a second of a bind; above them ESME_RTHROTTLED. */
  readonly throttledAbove: number | undefined;
  /** Accepted submissions of a sender in a UTC day; what is above gets a rejecting receipt. */
  readonly capPerDay: number | undefined;
  /** Closed for the last part of every period, counted from the choice of the scenario. */
  readonly outage: { readonly everyMs: number; readonly lastsMs: number } | undefined;
  /** The middle of the time until a receipt; nothing: as the simulator was started. */
  readonly receiptMs: number | undefined;
  /** Of receipts: ten times as late, never, twice. */
  readonly lateShare: number;
  readonly lostShare: number;
  readonly twiceShare: number;
  /** Of texts to ordinary numbers: the receipt says undeliverable. */
  readonly undeliveredShare: number;
  /** Of submissions: ESME_RMSGQFUL, ESME_RX_T_APPN, no answer at all. */
  readonly queueFullShare: number;
  readonly temporaryShare: number;
  readonly silentShare: number;
  /** Hexadecimal: in the answer alone; the receipt writes the same number in decimal. */
  readonly ids: "decimal" | "hex";
};

export const scenarioNames = [
  "calm",
  "fast",
  "congested",
  "flaky",
  "outage",
  "strict",
  "hex",
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

const calm: Scenario = {
  ...{ name: "calm", throttledAbove: undefined, capPerDay: undefined, outage: undefined },
  ...{ receiptMs: undefined, lateShare: 0, lostShare: 0, twiceShare: 0, undeliveredShare: 0 },
  ...{ queueFullShare: 0, temporaryShare: 0, silentShare: 0, ids: "decimal" },
};

/** docs/simulator.md shows the same table. */
export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  calm,
  fast: { ...calm, name: "fast", receiptMs: 0 },
  congested: {
    ...{ ...calm, name: "congested", throttledAbove: 10, receiptMs: 20_000, lateShare: 0.1 },
    ...{ queueFullShare: 0.02, undeliveredShare: 0.02 },
  },
  flaky: {
    ...{ ...calm, name: "flaky", lateShare: 0.05, lostShare: 0.02, twiceShare: 0.05 },
    ...{ temporaryShare: 0.05, silentShare: 0.002, undeliveredShare: 0.02 },
  },
  outage: { ...calm, name: "outage", outage: { everyMs: 60_000, lastsMs: 15_000 } },
  strict: { ...calm, name: "strict", throttledAbove: 30, capPerDay: 2_000, undeliveredShare: 0.05 },
  hex: { ...calm, name: "hex", ids: "hex" },
};

export function scenarioOf(name: ScenarioName): Scenario {
  return scenarios[name];
}

export function isScenarioName(name: unknown): name is ScenarioName {
  return scenarioNames.some((known) => known === name);
}
