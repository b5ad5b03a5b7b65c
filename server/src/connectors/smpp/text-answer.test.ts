import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { emptyMessage, type Pdu, statuses } from "../../smpp/pdus.ts";
import { openSession, type SmppSession } from "../../smpp/session.ts";
import type { AnswerFate } from "../connector.ts";
import { parseSmppSettings } from "./settings.ts";
import { createSmppConnector } from "./smpp-connector.ts";

/** A carrier that brings a text on each connection as soon as it is bound. */
async function startCarrier(text: Pdu): Promise<number> {
  const server = createServer((socket) => {
    const session: SmppSession = openSession(socket, {
      ...{ window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 5_000, systemId: "smsc" },
      on: {
        onBind: () => {
          setImmediate(() => session.request(text, () => undefined));
          return statuses.ok;
        },
        onClose: () => undefined,
      },
    });
    onTestFinished(() => session.destroy());
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

test.each(["deliver_sm", "data_sm"] as const)(
  "who takes a text of a %s learns what became of its answer",
  async (command) => {
    const addresses = { source: "15550101", dest: "15550100" };
    const text = { ...emptyMessage, ...addresses, command, status: 0, sequence: 0 } as Pdu;
    const port = await startCarrier(text);
    const fates: AnswerFate[] = [];
    const connector = createSmppConnector({
      ...{ name: "acme", carrierAccount: "acme", isSimulated: false, optOutsUpstream: false },
      settings: parseSmppSettings({ host: "127.0.0.1", port, systemId: "us", password: "secret" }),
      ...{ clock: () => new Date("2026-11-24T12:00:00Z"), random: () => 0 },
      connectSocket: async () => {
        const socket = connect(port, "127.0.0.1");
        await once(socket, "connect");
        return socket;
      },
      events: {
        onReady: () => undefined,
        onReceipt: () => Promise.resolve(),
        onInbound: async () => (fate) => {
          fates.push(fate);
          if (fate === "written") void connector.close();
        },
      },
    });
    await expect.poll(() => fates).toEqual(["written", "heard"]);
  },
);
