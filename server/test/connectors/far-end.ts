import type { Connector, ConnectorEvents } from "../../src/connectors/connector.ts";

/** How a carrier takes the next texts. */
export type Manner = "accept" | "refuse" | "throttle" | "silent";

/** A text as the carrier has it. */
export type Arrived = { readonly from: string; readonly to: string; readonly text: string };

/** A carrier that a connector speaks to over a real wire, as the tests of the contract drive it. */
export type FarEnd = {
  readonly connect: (events: ConnectorEvents) => Connector;
  /** How it takes texts from now on; `accept` at first. */
  readonly behave: (manner: Manner) => void;
  /** The next text that arrives. */
  readonly next: () => Promise<Arrived>;
  /** Tells what became of the text that it accepted last. */
  readonly tell: (status: "delivered" | "undelivered") => Promise<void>;
  /** A phone's text; resolves with whether it was told that the text is stored. */
  readonly receive: (from: string, to: string, text: string) => Promise<boolean>;
  /** Where nobody listens any more. */
  readonly vanish: () => Promise<void>;
  readonly close: () => Promise<void>;
};

/** What arrives, in order, for whoever waits for it. */
export function createArrivals<Item>() {
  const items: Item[] = [];
  const waiting: ((item: Item) => void)[] = [];
  return {
    add: (item: Item): void => {
      const next = waiting.shift();
      if (next === undefined) items.push(item);
      else next(item);
    },
    next: (): Promise<Item> => {
      const item = items.shift();
      if (item !== undefined) return Promise.resolve(item);
      return new Promise((done) => waiting.push(done));
    },
  };
}
