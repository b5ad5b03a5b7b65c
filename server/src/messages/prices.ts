import type { Price } from "../connectors/connector.ts";
import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import type { Clock } from "../lib/clock.ts";
import { type CarrierPrice, findPriced, recordPrices } from "./price-store.ts";

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

type Needs = { readonly sql: Sql; readonly clock: Clock; readonly writer: EventWriter };

/** Takes over what carriers say that a text cost. */
export function createPrices(app: Needs): Prices {
  let isClosed = false;
  const batcher = createBatcher<CarrierPrice, undefined>({
    ...{ batchMax: BATCH_MAX, lingerMs: LINGER_MS },
    run: async (prices) => {
      await untilStored(
        () => record(app, prices),
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

async function record({ sql, clock, writer }: Needs, prices: readonly CarrierPrice[]) {
  const priced = await findPriced(sql, prices, clock());
  if (priced.size === 0) return;
  await writer.commit(priced.size, (stamp) => recordPrices(sql, priced, stamp));
}
