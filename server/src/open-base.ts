import { join } from "node:path";
import { createAccountBook } from "./accounts/account-book.ts";
import type { AppOptions, Closers } from "./app.ts";
import { createRuleBook } from "./compliance/rule-book.ts";
import { loadSecretKey, localUrl } from "./config.ts";
import { createConnectorBook } from "./connectors/connector-book.ts";
import { connectDatabase, connectDirect } from "./db/connect.ts";
import { migrate } from "./db/migrate.ts";
import { createPartitions, keepPartitions } from "./db/partitions.ts";
import { createEventWriter } from "./events/log.ts";
import { findFirstAccount } from "./first-start.ts";
import { createJudges } from "./judging.ts";
import { OperatorAlert } from "./lib/errors.ts";
import { createGuardedDialer } from "./lib/guarded-dialer.ts";
import { createSeal } from "./lib/seal.ts";
import { createMessageSids, newSid } from "./lib/sid.ts";
import { holdAfterRestore } from "./messages/held-store.ts";
import { createNetworkBook } from "./numbers/network-book.ts";
import { mayCarryMedia } from "./routing/choose-route.ts";
import { createRouteBook } from "./routing/route-book.ts";
import { createSenderBook } from "./senders/sender-book.ts";
import type { SpendCap } from "./spend/cap.ts";
import { createCapBook } from "./spend/cap-book.ts";
import { createSpendMeter } from "./spend/meter.ts";
import { formatPrice } from "./spend/price.ts";
import { createPriceBook } from "./spend/price-book.ts";
import { holdWriterSlot } from "./throughput/writer-slot.ts";

/** The database and what every process has, whatever its roles. */
export type Base = Awaited<ReturnType<typeof openBase>>;

export async function openBase(options: AppOptions, closers: Closers) {
  const { config, address, clock, report } = options;
  const direct = connectDirect(address);
  let heldCount = 0;
  try {
    await migrate(direct, join(import.meta.dirname, "../migrations"));
    await createPartitions(direct, clock());
    heldCount = await holdAfterRestore(direct);
  } finally {
    await direct.end({ timeout: 1 });
  }
  const { sql, hot, bulk, close } = connectDatabase(address);
  closers.push(close);
  const { retentionDays } = config;
  closers.push(keepPartitions({ sql, clock, retentionDays, onError: report }).close);
  const owner = newSid("OW", clock());

  const seal = createSeal(loadSecretKey(config));
  const { account: firstAccount, isNew } = await findFirstAccount({ sql, seal, clock, config });
  const writerSlot = await holdWriterSlot({ sql, owner, clock, onError: report });
  closers.push(writerSlot.close);
  const dialer = createGuardedDialer({ allow: config.allowPrivate });
  closers.push(dialer.close);
  const accountBook = createAccountBook({ sql, seal, clock });
  const senderBook = createSenderBook({ sql });
  const connectorBook = createConnectorBook({ sql, seal });
  const ruleBook = createRuleBook({ sql });
  const routeBook = createRouteBook({ sql });
  const networkBook = createNetworkBook({ sql });
  const priceBook = createPriceBook({ sql });
  const capBook = createCapBook({ sql });
  const spendMeter = createSpendMeter({
    ...{ sql, clock, onError: report },
    onReached: (cap) => report(alertOf(cap, accountBook.byId(cap.account)?.sid)),
  });
  closers.push(spendMeter.close);
  return {
    ...{ ...options, sql, hot, bulk, owner, seal, newId: writerSlot.newId, dialer },
    ...{ firstAccount, isFirstStart: isNew, heldCount },
    /** Where callers reach this server; the port is known when it listens. */
    reached: { url: config.publicUrl ?? localUrl(config.host, config.port) },
    messageSids: createMessageSids(seal.keyFor("message sids")),
    ...{ accountBook, senderBook, connectorBook, routeBook, networkBook },
    ...{ ruleBook, priceBook, capBook },
    judges: createJudges({ clock, ruleBook, priceBook, networkBook, capBook, spendMeter }),
    mayCarryMedia: (sender: { number: string; connector: string }) =>
      mayCarryMedia(routeBook.current(), sender, connectorBook),
    /** Reads the configuration again where it changed. */
    refreshBooks: async () => {
      const books = [accountBook, senderBook, connectorBook, routeBook, networkBook];
      await Promise.all([...books, ruleBook, priceBook, capBook].map((book) => book.refresh()));
    },
    newWriter: () => {
      const writer = createEventWriter({ sql, owner });
      closers.push(writer.close);
      return writer;
    },
  };
}

function alertOf({ country, dailyMicros }: SpendCap, account: string | undefined): OperatorAlert {
  const where = country === "*" ? "all countries" : country;
  return new OperatorAlert(
    `The account ${account} has reached its spend cap of today, ${formatPrice(dailyMicros)} USD for ${where}. Raise it under /longwave/v1/SpendCaps, or find out who sends.`,
  );
}
