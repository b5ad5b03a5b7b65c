import { createRequire } from "node:module";
import { type AddressInfo, connect, type Server, type Socket } from "node:net";
import { parseSmppSettings } from "../../src/connectors/smpp/settings.ts";
import { createSmppConnector } from "../../src/connectors/smpp/smpp-connector.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { type Arrived, createArrivals, type FarEnd, type Manner } from "./far-end.ts";

/** The npm package `smpp`, which has no types, as far as it is used here. */
type Fields = Record<string, unknown>;
type PackagePdu = {
  readonly source_addr: string;
  readonly destination_addr: string;
  readonly short_message: { readonly message: string };
  readonly command_status: number;
  readonly response: (fields?: Fields) => Fields;
};
type PackageSession = {
  readonly on: (event: string, listener: (pdu: PackagePdu) => void) => void;
  readonly send: (pdu: Fields) => void;
  readonly deliver_sm: (fields: Fields, onAnswer: (answer: PackagePdu) => void) => void;
  readonly socket: Socket;
};
type Package = { readonly createServer: (onSession: (session: PackageSession) => void) => Server };

const INVALID_DESTINATION = 0x0b;
const THROTTLED = 0x58;
const ESM_RECEIPT = 4;
const statuses: Partial<Record<Manner, number>> = {
  refuse: INVALID_DESTINATION,
  throttle: THROTTLED,
};

/** An SMSC that somebody else has written. */
export async function startSmppFarEnd(): Promise<FarEnd> {
  const smpp: Package = createRequire(import.meta.url)("smpp");
  const arrivals = createArrivals<Arrived>();
  const sessions: PackageSession[] = [];
  let manner: Manner = "accept";
  let last = { id: "", from: "", to: "" };
  let ids = 0;

  const server = smpp.createServer((session) => {
    sessions.push(session);
    session.on("error", () => undefined);
    session.on("bind_transceiver", (pdu) => session.send(pdu.response({ system_id: "npm" })));
    session.on("enquire_link", (pdu) => session.send(pdu.response()));
    session.on("unbind", (pdu) => session.send(pdu.response()));
    session.on("submit_sm", (pdu) => {
      const { source_addr: from, destination_addr: to } = pdu;
      arrivals.add({ from: `+${from}`, to: `+${to}`, text: pdu.short_message.message });
      const status = statuses[manner];
      if (manner === "silent") return;
      if (status !== undefined) return session.send(pdu.response({ command_status: status }));
      last = { id: `npm${++ids}`, from, to };
      session.send(pdu.response({ message_id: last.id }));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const { port } = server.address() as AddressInfo;

  const deliver = (fields: Fields) =>
    new Promise<boolean>((done) => {
      const session = sessions.at(-1);
      session?.deliver_sm(fields, (answer) => done(answer.command_status === 0));
    });
  const stop = async () => {
    for (const { socket } of sessions) socket.destroy();
    await new Promise((done) => server.close(done));
  };

  return {
    connect: (events) =>
      createSmppConnector({
        ...{ name: "carrier", carrierAccount: "carrier", isSimulated: false },
        ...{ optOutsUpstream: false, clock, random: Math.random, events },
        settings: parseSmppSettings({
          ...{ host: "127.0.0.1", port, systemId: "longwave", password: "secret" },
          ...{ window: 3, responseTimeoutMs: 1_000 },
        }),
        connectSocket: (host, to) =>
          new Promise((resolve, reject) => {
            const socket = connect({ host, port: to }, () => resolve(socket));
            socket.once("error", reject);
          }),
      }),
    behave: (wanted) => {
      manner = wanted;
    },
    next: arrivals.next,
    tell: async (status) => {
      const [stat, err] = status === "delivered" ? ["DELIVRD", "000"] : ["UNDELIV", "001"];
      const text = `id:${last.id} sub:001 dlvrd:001 submit date:2611241200 done date:2611241201 stat:${stat} err:${err} text:`;
      const addresses = { source_addr: last.to, destination_addr: last.from };
      await deliver({ ...addresses, esm_class: ESM_RECEIPT, short_message: text });
    },
    receive: (from, to, text) =>
      deliver({
        ...{ source_addr: from.slice(1), destination_addr: to.slice(1), short_message: text },
      }),
    vanish: stop,
    close: stop,
  };
}
