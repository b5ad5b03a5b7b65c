import { expect, test } from "vitest";
import { startTestMessaging } from "../../test/messaging.ts";
import { createEventWriter } from "../events/log.ts";
import { systemClock as clock } from "../lib/clock.ts";
import { createPrices } from "../messages/prices.ts";
import { countEvents, readUsage } from "./store.ts";

test("a price that the carrier tells takes the place of the one before, told twice or not", async () => {
  const messaging = await startTestMessaging();
  const { account, database } = messaging;
  const { sql } = database;
  const prices = createPrices({ sql, clock, writer: createEventWriter({ sql, owner: "test" }) });
  const message = await messaging.accept("+15005550100");
  await messaging.becomes(message, "sent");
  const [submission] = await sql<{ carrierKey: string }[]>`
    select carrier_key as "carrierKey" from submissions
  `;
  const tell = (micros: bigint) =>
    prices.record({
      ...{ carrierAccount: "carrier", carrierKey: submission?.carrierKey ?? "" },
      price: { micros, currency: "USD" },
    });
  const used = async () => {
    await countEvents(sql, 100);
    const days = { from: "2000-01-01", until: "2093-01-01" };
    return readUsage(sql, { accounts: [account], ...days, period: "all" });
  };
  expect(await used()).toMatchObject([{ messages: 1n, segments: 1n, priceMicros: 0n }]);
  for (const micros of [7_900n, 7_900n, 5_000n]) await tell(micros);
  expect(await used()).toMatchObject([{ messages: 1n, segments: 1n, priceMicros: 5_000n }]);
  expect((await messaging.find(message))?.priceMicros).toBe(5_000n);
  await prices.close();
  await messaging.close();
});
