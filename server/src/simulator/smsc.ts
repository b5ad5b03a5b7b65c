import { createServer, type Socket } from "node:net";
import type { SubmitSm } from "../smpp/pdus.ts";
import { statuses } from "../smpp/pdus.ts";
import { type Answer, openSession, SmppNoAnswer, type SmppSession } from "../smpp/session.ts";
import type { Carrier, SubmitAnswer } from "./carrier.ts";
import { type Delivery, messageOf } from "./delivery.ts";
import { type Dialect, dialectOf, messageIn, plain, readIn } from "./dialects.ts";
import type { Network } from "./network.ts";
import { isScenarioName } from "./scenarios.ts";

export type Smsc = {
  readonly port: number;
  readonly connections: () => number;
  /** Whether there is a bind of that number. */
  readonly hasBind: (number: number) => boolean;
  readonly close: () => Promise<void>;
};

/** deliver_sm without an answer, per bind. */
const WINDOW = 1_000;
/** So many submissions left without an answer end the connection, as a carrier's trouble does. */
const SILENT_MAX = 500;
const TICK_MS = 10;

type Bind = {
  readonly number: number;
  readonly session: SmppSession;
  dialect: Dialect;
  silent: number;
};

type Accepted = Extract<SubmitAnswer, { kind: "accepted" }>;

/** Binds of gateways over SMPP before a carrier: its answers, its receipts, its phones' texts. */
export async function startSmsc(app: {
  port: number;
  host: string;
  systemId: string;
  password: string;
  carrier: Carrier;
  network: Network;
  /** Milliseconds that never go back. */
  now: () => number;
  /** Told each submission that was taken. */
  onSubmit: (bind: number, pdu: SubmitSm, id: number) => void;
}): Promise<Smsc> {
  const { carrier, network, now } = app;
  const receivers = new Set<Bind>();
  const bound = new Map<number, Bind>();
  const sockets = new Set<Socket>();
  let binds = 0;
  let isBringing = false;
  let isClosed = false;

  const submit = (bind: Bind, submitted: SubmitSm) => {
    const pdu = bind.dialect === plain ? submitted : readIn(bind.dialect, submitted);
    const answer = carrier.submit(bind.number, pdu, now());
    if (answer.kind === "refused") return bind.session.respond(pdu, answer.status);
    if (answer.id !== undefined) app.onSubmit(bind.number, pdu, answer.id);
    if (answer.kind === "silent") {
      bind.silent += 1;
      if (bind.silent >= SILENT_MAX) bind.session.destroy();
      return undefined;
    }
    for (const delivery of answer.early) {
      if (receivers.has(bind)) bring(bind, delivery);
      else carrier.again(delivery, now());
    }
    return accept(bind, pdu, answer);
  };

  const accept = ({ dialect, session }: Bind, pdu: SubmitSm, answer: Accepted) => {
    const { answerId, answerMs } = dialect;
    const messageId = answerId?.(BigInt(answer.id)) ?? answer.messageId;
    const respond = () => session.respond(pdu, statuses.ok, { messageId });
    if (answerMs === undefined) respond();
    else setTimeout(respond, answerMs).unref();
  };

  /** Comes again until it is acknowledged. */
  const bring = ({ session, dialect }: Bind, delivery: Delivery) => {
    const message = dialect === plain ? messageOf(delivery) : messageIn(dialect, delivery);
    const onAnswer: Answer = (answer) => {
      const isDone = !(answer instanceof SmppNoAnswer) && answer.status === statuses.ok;
      if (isDone) carrier.settle(delivery);
      else carrier.again(delivery, now());
      bringSoon();
    };
    if (dialect.isDataSm === true && delivery.kind === "receipt") {
      session.request({ ...message, command: "data_sm", status: 0, sequence: 0 }, onAnswer);
    } else session.deliver(message, onAnswer);
  };

  /** A tick is too rare for the window of a bind that answers at once. */
  const bringSoon = () => {
    if (isBringing || isClosed) return;
    isBringing = true;
    setImmediate(bringDue);
  };

  const bringDue = () => {
    isBringing = false;
    const nowMs = now();
    if (network.isClosed(nowMs)) {
      for (const socket of sockets) socket.destroy();
      return;
    }
    for (const { number, session } of bound.values()) {
      if (network.isClosed(nowMs, number)) session.destroy();
    }
    let others = receivers.size;
    for (const bind of receivers) {
      // The binds share what is due; the last takes what the others had no room for.
      const share = others === 1 ? WINDOW : Math.ceil(WINDOW / others);
      others -= 1;
      for (const delivery of carrier.take(nowMs, Math.min(share, bind.session.freeSlots()))) {
        bring(bind, delivery);
      }
    }
  };
  const timer = setInterval(bringDue, TICK_MS);

  const server = createServer((socket) => {
    if (network.isClosed(now())) return socket.destroy();
    sockets.add(socket);
    let role: "bind_receiver" | "bind_transmitter" | "bind_transceiver" | undefined;
    binds += 1;
    const session = openSession(socket, {
      ...{ window: WINDOW, enquireLinkMs: 60_000, responseTimeoutMs: 30_000 },
      systemId: "longwave",
      on: {
        onBind: ({ command, systemId, password, systemType }) => {
          if (systemId !== app.systemId) return statuses.invalidSystemId;
          if (password !== app.password) return statuses.invalidPassword;
          role = command;
          bind.dialect = dialectOf(systemType);
          bound.set(bind.number, bind);
          const scenario = systemType.split(",").find(isScenarioName);
          if (scenario !== undefined) network.use(scenario, now(), bind.number);
          if (role !== "bind_transmitter") receivers.add(bind);
          return statuses.ok;
        },
        onSubmit: (pdu) => {
          if (role === "bind_receiver") return session.respond(pdu, statuses.invalidBindStatus);
          return submit(bind, pdu);
        },
        onClose: () => {
          receivers.delete(bind);
          bound.delete(bind.number);
          network.forget(bind.number);
          sockets.delete(socket);
        },
      },
    });
    const bind: Bind = { number: binds, session, dialect: plain, silent: 0 };
    return undefined;
  });
  const port = await listen(server, app);

  return {
    port,
    connections: () => sockets.size,
    hasBind: (number) => bound.has(number),
    close: async () => {
      clearInterval(timer);
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

async function listen(
  server: ReturnType<typeof createServer>,
  { port, host }: { port: number; host: string },
): Promise<number> {
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen({ port, host, exclusive: true }, done);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
