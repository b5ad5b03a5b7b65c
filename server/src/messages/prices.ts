import type { Price } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import { createBatcher } from "../lib/batcher.ts";
import type { Clock } from "../lib/clock.ts";
import { type CarrierPrice, recordPrices } from "./price-store.ts";

export type Prices = {
  readonly record: (of: {
    readonly carrierAccount: string;
    readonly carrierKey: string;
    readonly price: Price;
  }) => Promise<void>;
  readonly close: () => Promise<void>;
};

const BATCH_MAX = 1_000;
const LINGER_MS = 100;
/** Prices of messages are in one currency. */
const CURRENCY = "USD";

/** Takes over what carriers say that a text cost. */
export function createPrices(app: { readonly sql: Sql; readonly clock: Clock }): Prices {
  let isClosed = false;
  const batcher = createBatcher<CarrierPrice, undefined>({
    ...{ batchMax: BATCH_MAX, lingerMs: LINGER_MS },
    run: async (prices) => {
      await untilStored(
        () => recordPrices(app.sql, prices, app.clock()),
        () => isClosed,
      );
      return prices.map(() => undefined);
    },
  });
  return {
    record: async ({ price, ...of }) => {
      if (price.currency === CURRENCY) await batcher.add({ ...of, micros: price.micros });
    },
    close: async () => {
      isClosed = true;
      await batcher.close();
    },
  };
}
