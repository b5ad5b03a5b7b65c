import { createServer, connect as openSocket, type Server, type Socket } from "node:net";
import type { ConnectorEvents, Submission } from "../src/connectors/connector.ts";
import { parseSmppSettings } from "../src/connectors/smpp/settings.ts";
import { createSmppConnector } from "../src/connectors/smpp/smpp-connector.ts";
import {
  type BindRequest,
  emptyMessage,
  type Pdu,
  type ShortMessage,
  type SubmitSm,
  statuses,
} from "../src/smpp/pdus.ts";
import { openSession, type SmppNoAnswer, type SmppSession } from "../src/smpp/session.ts";
import { createQueue } from "./queue.ts";

const closers: (() => unknown)[] = [];

/** Ends what the test has started; for its `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export function closeLater(close: () => unknown): void {
  closers.push(close);
}

/** A carrier's SMSC: it keeps what comes for the test to read. */
export async function startCarrier(
  answer: (pdu: SubmitSm, session: SmppSession) => void = (pdu, session) =>
    session.respond(pdu, statuses.ok, { messageId: "m1" }),
) {
  const binds = createQueue<{ session: SmppSession; bind: BindRequest; socket: Socket }>();
  const submits = createQueue<SubmitSm>();
  let bindStatus: number = statuses.ok;
  const server: Server = createServer((socket) => {
    const session: SmppSession = openSession(socket, {
      ...{ window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 5_000, systemId: "smsc" },
      on: {
        onBind: (bind) => {
          binds.add({ session, bind, socket });
          return bindStatus;
        },
        onSubmit: (pdu) => {
          submits.add(pdu);
          answer(pdu, session);
        },
        onClose: () => undefined,
      },
    });
    closers.push(() => session.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  closers.push(() => server.close());
  return {
    ...{ port, binds, submits },
    refuseBinds: (status: number) => {
      bindStatus = status;
    },
  };
}

export function startConnector(
  port: number,
  settings: object = {},
  events: Partial<ConnectorEvents> = {},
  connectSocket = dial,
) {
  const ready = createQueue<string>();
  const account = { host: "127.0.0.1", port, systemId: "us", password: "secret" };
  const connector = createSmppConnector({
    ...{ name: "acme", carrierAccount: "acme", isSimulated: false, optOutsUpstream: false },
    settings: parseSmppSettings({ ...account, ...settings }),
    clock: () => new Date("2026-11-24T12:00:00Z"),
    random: () => 0,
    connectSocket,
    events: {
      onReceipt: async () => undefined,
      onInbound: async () => () => undefined,
      onReady: ready.add,
      ...events,
    },
  });
  closers.push(connector.close);
  return { connector, ready };
}

export function dial(host: string, port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = openSocket(port, host, () => done(socket));
    socket.once("error", fail);
  });
}

export const submission: Submission = {
  ...{ id: 1n, part: 1, parts: 1, attempt: 1, sender: "+15550100", recipient: "+15550101" },
  ...{ encoding: "GSM-7", text: "Hello", reference: 7 },
  validUntil: new Date("2026-11-24T13:00:00Z"),
};

export function deliver(session: SmppSession, message: ShortMessage): Promise<Pdu | SmppNoAnswer> {
  return new Promise((done) => session.deliver(message, done));
}

export const receipt = {
  ...{ ...emptyMessage, esmClass: 4, source: "15550101", dest: "15550100" },
  shortMessage: Buffer.from("id:m1 done date:2611241200 stat:DELIVRD err:000"),
};

export async function waitUntil(isSo: () => boolean) {
  while (!isSo()) await new Promise((done) => setImmediate(done));
}
