import { untilStored } from "../db/database-errors.ts";
import type { Sql } from "../db/sql.ts";
import type { EventWriter } from "../events/log.ts";
import { createBatcher } from "../lib/batcher.ts";
import type { Clock } from "../lib/clock.ts";
import type { MessageId } from "../lib/message-id.ts";
import { carrierOptOutCodes, insertCarrierOptOuts } from "./carrier-opt-outs-store.ts";
import { type Departure, type PriceOf, recordDepartures } from "./departure-store.ts";
import { refundUnsent } from "./flight.ts";

const RECORD_BATCH_MAX = 1_000;
/** Nobody waits for a departure's record but its receipt and its callback. */
const RECORD_LINGER_MS = 10;

type RecorderNeeds = {
  readonly hot: Sql;
  readonly clock: Clock;
  readonly writers: { readonly departures: EventWriter };
  readonly priceOf: PriceOf;
  readonly onRecorded: () => void;
  readonly onError: (error: unknown) => void;
};

export type Recorder = {
  readonly record: (departure: Departure) => void;
  readonly close: () => Promise<void>;
};

/** Records departures in batches until they are stored: a fact is never given up. */
export function createRecorder(
  app: RecorderNeeds,
  { isClosed, onRecorded }: { isClosed: () => boolean; onRecorded: (id: bigint) => void },
): Recorder {
  const batcher = createBatcher<Departure, undefined>({
    batchMax: RECORD_BATCH_MAX,
    lingerMs: RECORD_LINGER_MS,
    run: async (departures) => {
      await untilStored(
        () =>
          app.writers.departures.commit(departures.length, (stamp) =>
            recordDepartures(app.hot, departures, { stamp, priceOf: app.priceOf }),
          ),
        isClosed,
      );
      for (const departure of departures) {
        refundUnsent(departure);
        onRecorded(departure.claim.id);
      }
      const ids = optedOut(departures);
      await untilStored(() => insertCarrierOptOuts(app.hot, ids, app.clock()), isClosed);
      app.onRecorded();
      return departures.map(() => undefined);
    },
  });
  return {
    record: (departure) => {
      batcher.add(departure).catch(app.onError);
    },
    close: batcher.close,
  };
}

/** Those that a carrier refused because it knows of an opt-out. */
function optedOut(departures: readonly Departure[]): MessageId[] {
  return departures
    .filter(
      ({ errorCode, submissions }) => submissions.length > 0 && carrierOptOutCodes.has(errorCode),
    )
    .map(({ claim }) => claim.id);
}
