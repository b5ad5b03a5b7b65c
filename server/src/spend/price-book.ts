import { type Kept, keepConfiguration } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import type { Network } from "../numbers/network-book.ts";
import type { Price } from "./price.ts";
import { readPrices } from "./store.ts";

export type Prices = {
  /** What a segment costs in millionths; nothing when no list says. */
  readonly perSegment: (to: Destination, at: Date) => number | undefined;
  /** What the list says for each carrier of the country; not for the path of a message. */
  readonly byCarrier: (to: Destination, at: Date) => readonly Price[];
};

export type Destination = {
  readonly connector: string;
  readonly country: string | undefined;
  /** The recipient's, where it is known. */
  readonly network?: Network | undefined;
};

/** Every price list in memory, as of the last refresh. */
export type PriceBook = Kept<Prices>;

/** From an instant (milliseconds) on; newest first. */
type Step = { readonly from: number; readonly micros: number };

/** What a list says for a country. */
type OfCountry = {
  readonly byCarrier: ReadonlyMap<string, readonly Step[]>;
  readonly dearest: readonly Step[];
};

export function createPriceBook(app: { readonly sql: Sql }): PriceBook {
  const empty: Prices = { perSegment: () => undefined, byCarrier: () => [] };
  return keepConfiguration(app, { empty, read: async (sql) => pricesOf(await readPrices(sql)) });
}

export function pricesOf(list: readonly Price[]): Prices {
  const groups = new Map<string, Price[]>();
  for (const price of list) {
    const key = `${price.connector} ${price.country}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [price]);
    else group.push(price);
  }
  const lists = new Map([...groups].map(([key, group]) => [key, ofCountry(group)]));
  const find = (key: string, network: Network | undefined, at: number) => {
    const list = lists.get(key);
    return list && priceAt(list, network, at);
  };
  return {
    perSegment: ({ connector, country, network }, date) => {
      const at = date.getTime();
      const own = country === undefined ? undefined : find(`${connector} ${country}`, network, at);
      return own ?? find(`${connector} *`, network, at);
    },
    byCarrier: ({ connector, country }, at) => {
      const own = pricesAt(groups.get(`${connector} ${country}`) ?? [], at.getTime());
      return own.length > 0 ? own : pricesAt(groups.get(`${connector} *`) ?? [], at.getTime());
    },
  };
}

function ofCountry(group: readonly Price[]): OfCountry {
  const carriers = new Set(group.map(({ carrier }) => carrier));
  const own = (name: string) => group.filter(({ carrier }) => carrier === name);
  return {
    byCarrier: new Map([...carriers].map((name) => [name, stepsOf(own(name))])),
    dearest: stepsOf(group),
  };
}

/** Of a known network: its own line, by code or name, else that of every carrier. */
function priceAt(list: OfCountry, network: Network | undefined, at: number): number | undefined {
  const names = network === undefined ? [] : [network.code, network.name, ""];
  for (const name of names) {
    const found = stepAt(list.byCarrier.get(name) ?? [], at);
    if (found !== undefined) return found;
  }
  return stepAt(list.dearest, at);
}

function stepAt(steps: readonly Step[], at: number): number | undefined {
  return steps.find(({ from }) => from <= at)?.micros;
}

function stepsOf(group: readonly Price[]): Step[] {
  const instants = new Set(group.map(({ validFrom }) => validFrom.getTime()));
  return [...instants]
    .sort((a, b) => b - a)
    .map((from) => ({ from, micros: microsAt(group, from) }));
}

/** Where nobody knows the phone's network and the list differs by carrier, the dearest counts. */
function microsAt(group: readonly Price[], at: number): number {
  return Math.max(...pricesAt(group, at).map(({ micros }) => micros));
}

/** The line of each carrier that holds at an instant. */
function pricesAt(group: readonly Price[], at: number): Price[] {
  const byCarrier = new Map<string, Price>();
  for (const price of group) {
    const other = byCarrier.get(price.carrier);
    if (price.validFrom.getTime() > at) continue;
    if (other === undefined || other.validFrom < price.validFrom)
      byCarrier.set(price.carrier, price);
  }
  return [...byCarrier.values()];
}
