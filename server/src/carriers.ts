import { connect as connectTcp, type Socket } from "node:net";
import type { Closers } from "./app.ts";
import { carrierKey } from "./connectors/carrier-key.ts";
import { createConnectorPool } from "./connectors/connector-pool.ts";
import { OperatorAlert } from "./lib/errors.ts";
import { type InboundNeeds, receiveText } from "./messages/inbound.ts";
import { createPrices } from "./messages/prices.ts";
import { createReceipts } from "./messages/receipts.ts";
import type { Base } from "./open-base.ts";

export type Carriers = ReturnType<typeof buildCarriers>;

/**
 * Connectors, and what their carriers tell, stored: receipts, texts from phones, prices. Whoever
 * hears a carrier may store that, for none of it depends on who sent the text.
 */
export function buildCarriers(
  base: Base,
  app: {
    readonly inbound: InboundNeeds;
    readonly onEvents: () => void;
    /** A connector may have a free slot. */
    readonly onReady: () => void;
    /** Those alone that are called: a process that does not send has no bind. */
    readonly onlyCalled: boolean;
  },
  closers: Closers,
) {
  const { sql, hot, seal, clock, newWriter, dialer, report } = base;
  const receipts = createReceipts({
    ...{ hot, clock, writer: newWriter(), onSettled: app.onEvents, onError: report },
  });
  closers.push(receipts.close);
  const prices = createPrices({ sql, clock, writer: newWriter() });
  closers.push(prices.close);
  const accountOf = (name: string) => connectors.byName.get(name)?.carrierAccount ?? name;
  const connectors = createConnectorPool({
    ...{ sql, seal, clock, connectSocket: dialer.connectSocket, connectLoopback },
    ...{ request: dialer.request, publicUrl: () => base.reached.url, onError: report },
    onlyCalled: app.onlyCalled,
    events: {
      onReady: app.onReady,
      onAlert: (name, sentence) => report(new OperatorAlert(`Connector ${name}: ${sentence}`)),
      onReceipt: (name, receipt) =>
        receipts.record(accountOf(name), carrierKey(receipt.carrierMessageId), receipt),
      onInbound: async (name, part, bind) => {
        const connector = connectors.byName.get(name);
        if (connector === undefined) throw new Error("The connector is closing.");
        return receiveText(app.inbound, { carrier: connector, bind }, part);
      },
      onPrice: (name, id, price) =>
        prices.record({ carrierAccount: accountOf(name), carrierKey: carrierKey(id), price }),
    },
  });
  return { connectors, receipts };
}

function connectLoopback(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port }, () => resolve(socket));
    socket.once("error", reject);
  });
}
