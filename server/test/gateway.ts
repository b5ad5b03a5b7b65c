import { connect, type Socket } from "node:net";
import { systemClock } from "../src/lib/clock.ts";
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../src/simulator/simulator.ts";
import {
  type DeliverSm,
  emptyMessage,
  type Pdu,
  type ShortMessage,
  statuses,
} from "../src/smpp/pdus.ts";
import { openSession, SmppNoAnswer, type SmppSession } from "../src/smpp/session.ts";
import { closeLater } from "./smpp-carrier.ts";

/** A simulator whose receipts come at once. */
export async function startNetwork(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await startSimulator({
    ...{ port: 0, httpPort: 0, seed: 1, receiptDelayMs: 10, clock: systemClock, ...options },
  });
  closeLater(simulator.close);
  return simulator;
}

type BindCommand = "bind_transceiver" | "bind_transmitter" | "bind_receiver";

/** A gateway's bind that acknowledges whatever comes, in the order of `heard`. */
export async function bindTo(
  { port }: Simulator,
  as: { command?: BindCommand; systemId?: string; password?: string; systemType?: string } = {},
) {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect({ port, host: "127.0.0.1" }, () => resolve(opened));
    opened.once("error", reject);
  });
  const heard: (DeliverSm | Pdu)[] = [];
  let left = () => {};
  const closed = new Promise<void>((resolve) => {
    left = resolve;
  });
  const session: SmppSession = openSession(socket, {
    ...{ window: 100, enquireLinkMs: 60_000, responseTimeoutMs: 10_000, systemId: "gateway" },
    on: {
      onDeliver: (pdu) => {
        heard.push(pdu);
        session.respond(pdu, statuses.ok);
      },
      onClose: () => left(),
    },
  });
  closeLater(() => session.destroy());
  const { command = "bind_transceiver", systemId = "simulator", password = "loopback" } = as;
  const { systemType = "" } = as;
  const bind = { command, systemId, password, systemType, interfaceVersion: 0x34 };
  const answer = await new Promise<Pdu | SmppNoAnswer>((resolve) => session.bind(bind, resolve));
  const submit = (dest: string, fields: Partial<ShortMessage> = {}) =>
    new Promise<Pdu | SmppNoAnswer>((resolve) => {
      const addresses = { source: "15005550100", sourceTon: 1, dest, destTon: 1 };
      const text = { registeredDelivery: 1, shortMessage: Buffer.from("Hello") };
      session.submit({ ...emptyMessage, ...addresses, ...text, ...fields }, (submitted) => {
        if (!(submitted instanceof SmppNoAnswer)) heard.push(submitted);
        resolve(submitted);
      });
    });
  const status = answer instanceof SmppNoAnswer ? undefined : answer.status;
  return { status, session, submit, heard, closed };
}
