import type { Socket } from "node:net";
import {
  type BindRequest,
  emptyMessage,
  type Pdu,
  responseTo,
  type ShortMessage,
  statuses,
} from "../smpp/pdus.ts";
import { type Answer, type OtherRequest, openSession, SmppNoAnswer } from "../smpp/session.ts";
import { type Bind, createBind } from "./bind.ts";
import type { Carrier, SubmitAnswer } from "./carrier.ts";
import { type Delivery, messageOf } from "./delivery.ts";
import { messageIn, plain, readIn } from "./dialects.ts";
import { connected, createListener, listen, type Tls } from "./listener.ts";
import { answerCancel, answerMulti, answerQuery, answerReplace } from "./management.ts";
import { type Manners, mannersOf, noManners } from "./manners.ts";
import type { Network } from "./network.ts";

export type Smsc = {
  readonly port: number;
  readonly connections: () => number;
  /** The binds of now, by number. */
  readonly binds: () => readonly BindState[];
  /** For one bind, or for all that have none of their own; whether there is such a bind. */
  readonly useManners: (list: string, bind?: number) => boolean;
  /** Calls a gateway that listens, and asks it to bind (SMPP 3.4, section 4.1.7). */
  readonly outbind: (gateway: { host: string; port: number }) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type BindState = {
  readonly bind: number;
  readonly as: string;
  readonly manners: string;
};

export type SmscOptions = {
  readonly port: number;
  readonly host: string;
  readonly systemId: string;
  readonly password: string;
  /** How binds are dealt with that do not say. */
  readonly manners: string;
  readonly tls?: Tls | undefined;
  readonly carrier: Carrier;
  readonly network: Network;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Told each submission that was taken. */
  readonly onSubmit: (bind: number, message: ShortMessage, id: number) => void;
};

/** deliver_sm without an answer, per bind. */
const WINDOW = 1_000;
const TICK_MS = 10;

/** Binds of gateways over SMPP before a carrier: its answers, its receipts, its phones' texts. */
export async function startSmsc(app: SmscOptions): Promise<Smsc> {
  const { carrier, network, now } = app;
  const receivers = new Set<Bind>();
  const bound = new Map<number, Bind>();
  const sockets = new Set<Socket>();
  /** Binds whose manners are their own. */
  const owners = new Set<number>();
  let usual = noManners;
  let binds = 0;
  let isBringing = false;
  /** More was due than the binds had room for. */
  let isBehind = false;
  let isClosed = false;

  const useOn = (bind: Bind, manners: Manners) => {
    owners.add(bind.number);
    bind.useManners(manners);
    network.behave(manners.behaviour, bind.number);
    if (manners.scenario !== undefined) network.use(manners.scenario, now(), bind.number);
  };

  const useEverywhere = (manners: Manners) => {
    usual = manners;
    network.behave(manners.behaviour);
    if (manners.scenario !== undefined) network.use(manners.scenario, now());
    for (const bind of bound.values()) if (!owners.has(bind.number)) bind.useManners(manners);
  };

  const submit = (bind: Bind, submitted: ShortMessage, sharedId?: number): SubmitAnswer => {
    const { dialect } = bind.manners();
    const message = dialect === plain ? submitted : readIn(dialect, submitted);
    const answer = carrier.submit(bind.number, message, now(), sharedId);
    if (answer.kind !== "refused" && answer.id !== undefined) {
      app.onSubmit(bind.number, message, answer.id);
    }
    const early = answer.kind === "accepted" ? answer.early : [];
    for (const delivery of early) {
      if (receivers.has(bind)) bring(bind, delivery);
      else carrier.again(delivery, now());
    }
    return answer;
  };

  const answerOther = (bind: Bind, pdu: OtherRequest) => {
    const { reply } = bind.session;
    const about = { carrier, nowMs: now() };
    if (bind.role() === "bind_receiver") return reply(notOnReceiver(pdu));
    switch (pdu.command) {
      case "data_sm":
        return bind.answer(pdu, submit(bind, { ...emptyMessage, ...pdu }));
      case "submit_multi": {
        const multi = answerMulti(pdu, (message, id) => submit(bind, message, id), bind.idOf);
        return reply(multi);
      }
      case "query_sm":
        return reply(answerQuery(about, pdu));
      case "cancel_sm":
        return reply(answerCancel(about, pdu));
      case "replace_sm":
        return reply(answerReplace(about, pdu));
      default:
        return undefined;
    }
  };

  /** Comes again until it is acknowledged. */
  const bring = ({ session, manners }: Bind, delivery: Delivery) => {
    const { dialect } = manners();
    const message = dialect === plain ? messageOf(delivery) : messageIn(dialect, delivery);
    const onAnswer: Answer = (answer) => {
      const isDone = !(answer instanceof SmppNoAnswer) && answer.status === statuses.ok;
      if (isDone) carrier.settle(delivery);
      else carrier.again(delivery, now());
      if (isBehind) bringSoon();
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
    isBehind = false;
    let others = receivers.size;
    for (const bind of receivers) {
      // The binds share what is due; the last takes what the others had no room for.
      const share = others === 1 ? WINDOW : Math.ceil(WINDOW / others);
      others -= 1;
      const room = Math.min(share, bind.session.freeSlots());
      const deliveries = carrier.take(nowMs, room);
      isBehind ||= deliveries.length === room;
      for (const delivery of deliveries) bring(receiverFor(delivery, bind), delivery);
    }
  };
  const timer = setInterval(bringDue, TICK_MS);

  const receiverFor = (delivery: Delivery, first: Bind): Bind => {
    if (delivery.kind !== "receipt" || delivery.notOn !== first.number) return first;
    return (
      [...receivers].find((other) => other !== first && other.session.freeSlots() > 0) ?? first
    );
  };

  const login = (bind: Bind, request: BindRequest): number => {
    // Behind a colon a system_id may name manners, for gateways that cannot set a system_type.
    const [systemId, named = ""] = request.systemId.split(":", 2);
    if (systemId !== app.systemId) return statuses.invalidSystemId;
    if (request.password !== app.password) return statuses.invalidPassword;
    const own = mannersOf(`${named},${request.systemType}`);
    bind.bound(request.command);
    bound.set(bind.number, bind);
    if (own.names === "") bind.useManners(usual);
    else useOn(bind, own);
    if (request.command !== "bind_transmitter") receivers.add(bind);
    return statuses.ok;
  };

  const serve = (socket: Socket) => {
    sockets.add(socket);
    binds += 1;
    const session = openSession(socket, {
      ...{ window: WINDOW, enquireLinkMs: 60_000, responseTimeoutMs: 30_000 },
      systemId: "longwave",
      on: {
        onBind: (request) => login(bind, request),
        onSubmit: (pdu) => bind.answer(pdu, submit(bind, pdu)),
        onOther: (pdu) => answerOther(bind, pdu),
        onClose: () => {
          receivers.delete(bind);
          bound.delete(bind.number);
          owners.delete(bind.number);
          network.forget(bind.number);
          sockets.delete(socket);
        },
      },
    });
    const bind = createBind(binds, session, socket);
    return session;
  };
  useEverywhere(mannersOf(app.manners));
  const server = createListener(app.tls, (socket) => {
    if (network.isClosed(now())) socket.destroy();
    else serve(socket);
  });
  const port = await listen(server, app);

  return {
    port,
    connections: () => sockets.size,
    binds: () =>
      [...bound.values()].map((bind) => ({
        ...{ bind: bind.number, as: bind.role() ?? "", manners: bind.manners().names },
      })),
    useManners: (list, number) => {
      const manners = mannersOf(list);
      if (number === undefined) useEverywhere(manners);
      const bind = number === undefined ? undefined : bound.get(number);
      if (bind !== undefined) useOn(bind, manners);
      return number === undefined || bind !== undefined;
    },
    outbind: async (gateway) => {
      const session = serve(await connected(gateway));
      const { systemId, password } = app;
      session.reply({ command: "outbind", status: statuses.ok, sequence: 1, systemId, password });
    },
    close: async () => {
      clearInterval(timer);
      isClosed = true;
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Receivers submit nothing, and manage nothing (SMPP 3.4, section 2.3). */
function notOnReceiver({ command, sequence }: OtherRequest): Pdu {
  return { command: responseTo(command), status: statuses.invalidBindStatus, sequence } as Pdu;
}
