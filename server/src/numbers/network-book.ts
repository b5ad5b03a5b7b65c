import { keepConfiguration } from "../db/configuration.ts";
import type { Sql } from "../db/sql.ts";
import { type NumberRange, readNumberRanges, readRangesVersion } from "./network-store.ts";

/** A mobile network. */
export type Network = {
  /** MCC and MNC, such as `26201`. */
  readonly code: string;
  /** As price lists call its carrier; may be empty. */
  readonly name: string;
};

/** Which network a phone is in, as far as the operator's number ranges tell: the longest one counts. */
export type Networks = { readonly of: (number: string) => Network | undefined };

/** The number ranges in memory, as of the last refresh. */
export type NetworkBook = Networks & { readonly refresh: () => Promise<void> };

export function createNetworkBook(app: { readonly sql: Sql }): NetworkBook {
  let version = "";
  let networks = networksOf([]);
  const kept = keepConfiguration(app, {
    empty: networks,
    // They are many, and everything else that is configured changes more often.
    read: async (sql) => {
      const now = await readRangesVersion(sql);
      if (now !== version) networks = networksOf(await readNumberRanges(sql));
      version = now;
      return networks;
    },
  });
  return { of: (number) => kept.current().of(number), refresh: kept.refresh };
}

export function networksOf(ranges: readonly NumberRange[]): Networks {
  const networks = new Map<string, Network>();
  const byPrefix = new Map<string, Network>();
  for (const { prefix, network: code, name } of ranges) {
    const key = `${code} ${name}`;
    const network = networks.get(key) ?? { code, name };
    networks.set(key, network);
    byPrefix.set(prefix, network);
  }
  const lengths = [...new Set(ranges.map(({ prefix }) => prefix.length))].sort((a, b) => b - a);
  return {
    of: (number) => {
      for (const length of lengths) {
        const network = byPrefix.get(number.slice(0, length));
        if (network !== undefined) return network;
      }
      return undefined;
    },
  };
}
