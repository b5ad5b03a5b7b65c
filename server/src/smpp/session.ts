import type { Socket } from "node:net";
import { SmppDecodeError } from "./decode-pdu.ts";
import { createOutbox } from "./outbox.ts";
import {
  type BindName,
  type BindRequest,
  type CommandName,
  type DeliverSm,
  isResponse,
  type Pdu,
  responseTo,
  type ShortMessage,
  type SubmitSm,
  statuses,
} from "./pdus.ts";
import { type Answer, createRequests, SmppNoAnswer } from "./requests.ts";
import { createResponseFates, type ResponseFate } from "./response-fates.ts";
import { createStreamDecoder } from "./stream-decoder.ts";

export { type Answer, SmppNoAnswer } from "./requests.ts";

export type SessionEvents = {
  /** Server: answers a bind with a status; 0 accepts it. */
  readonly onBind?: (bind: BindRequest) => number;
  /** Server: a message to answer with `respond`. */
  readonly onSubmit?: (pdu: SubmitSm) => void;
  /** Client: a receipt or a text, to answer with `respond`. */
  readonly onDeliver?: (pdu: DeliverSm) => void;
  /** Any other request, to answer with `reply`; outbind and alert_notification have no answer. */
  readonly onOther?: (pdu: OtherRequest) => void;
  readonly onClose: (cause: Error | undefined) => void;
  /**
   * Told the bytes of each PDU as it is added to what leaves, or was read; for a trace, so it must not
   * throw. They are its to look at, not to keep.
   */
  readonly onPdu?: (way: "sent" | "received", bytes: Buffer) => void;
};

type OtherName =
  | ("data_sm" | "submit_multi" | "query_sm" | "cancel_sm" | "replace_sm")
  | ("outbind" | "alert_notification");
export type OtherRequest = Extract<Pdu, { command: OtherName }>;

export type SessionOptions = {
  /** Requests under way at once. */
  readonly window: number;
  readonly enquireLinkMs: number;
  readonly responseTimeoutMs: number;
  readonly systemId: string;
  readonly on: SessionEvents;
};

export type SmppSession = {
  readonly bind: (bind: Omit<BindRequest, "sequence" | "status">, onAnswer: Answer) => void;
  readonly submit: (message: ShortMessage, onAnswer: Answer) => void;
  readonly deliver: (message: ShortMessage, onAnswer: Answer) => void;
  /** Any other request; its sequence is set here. */
  readonly request: (pdu: Pdu, onAnswer: Answer) => void;
  readonly respond: (
    request: SubmitSm | DeliverSm,
    status: number,
    fields?: { messageId: string },
    onFate?: (fate: ResponseFate) => void,
  ) => void;
  /** The response to what `onOther` told, or a PDU that has no response. */
  readonly reply: (pdu: Pdu, onFate?: (fate: ResponseFate) => void) => void;
  readonly freeSlots: () => number;
  readonly isBound: () => boolean;
  /** Takes no more, waits a bounded time for answers under way, unbinds, then closes. */
  readonly close: () => Promise<void>;
  readonly destroy: (cause?: Error) => void;
};

/** Messages from the far end that we have not answered; beyond it they are refused for now. */
export const UNANSWERED_MAX = 1_000;
const TICK_MS_MAX = 1_000;
/** From connection to bind; a scanner or a half-open connection holds a socket no longer. */
const INIT_MS_MAX = 30_000;
const DRAIN_MS_MAX = 3_000;
const UNBIND_MS_MAX = 1_000;
const POLL_MS = 10;

/** One SMPP session on a connected socket, in either role. Bad bytes end this session only. */
export function openSession(socket: Socket, options: SessionOptions): SmppSession {
  const { on, responseTimeoutMs, enquireLinkMs } = options;
  const decoder = createStreamDecoder();
  const requests = createRequests(options);
  const fates = createResponseFates();
  const outbox = createOutbox(socket, {
    onLeaving: () => {
      requests.written();
      return fates.flushed(performance.now());
    },
    onHeldUp: requests.heldUp,
    onAdded: on.onPdu && ((bytes) => on.onPdu?.("sent", bytes)),
  });
  let boundAs: BindName | undefined;
  let isClosing = false;
  let isClosed = false;
  let unanswered = 0;
  let endBy = performance.now() + INIT_MS_MAX;

  const write: SmppSession["reply"] = (pdu, onFate) => {
    if (!isClosed) outbox.add(pdu);
    if (onFate !== undefined) fates.add(onFate);
  };

  const end = (cause: Error | undefined) => {
    if (isClosed) return;
    isClosed = true;
    boundAs = undefined;
    clearInterval(timer);
    outbox.close();
    socket.destroy();
    requests.end();
    fates.lost();
    on.onClose(cause);
  };

  const request = (pdu: Pdu, onAnswer: Answer) => {
    if (isClosed) onAnswer(new SmppNoAnswer("The session is closed.", false));
    else requests.send(outbox, pdu, onAnswer);
  };

  const messages = (command: "submit_sm" | "deliver_sm", not: BindName): SmppSession["submit"] => {
    return (message, onAnswer) => {
      if (boundAs === undefined || boundAs === not || isClosing) {
        onAnswer(new SmppNoAnswer(`The session is not bound for ${command}.`, false));
      } else requests.sendMessage(outbox, command, message, onAnswer);
    };
  };

  const takePdu = (pdu: Pdu | SmppDecodeError, bytes: Buffer) => {
    if (isClosed) return;
    on.onPdu?.("received", bytes);
    if (pdu instanceof SmppDecodeError) takeError(pdu);
    else if (isResponse(pdu.command)) requests.answer(pdu, () => takeBound(pdu));
    else takeRequest(pdu);
  };

  /** A known request gets its own response, an unknown one a generic_nack, a response nothing. */
  const takeError = (error: SmppDecodeError) => {
    const { command, status, sequence } = error;
    if (error.isResponse) return requests.fail(sequence, error.message);
    const response = command === undefined ? "generic_nack" : responseTo(command);
    if (response === undefined) return undefined;
    return write({ command: response, status, sequence } as Pdu);
  };

  /** A bind that was asked for and is accepted, by either side. */
  const takeBound = ({ command, status }: Pick<Pdu, "command" | "status">) => {
    const name = bindNames[command];
    if (name === undefined || status !== statuses.ok) return;
    boundAs = name;
    endBy = Number.POSITIVE_INFINITY;
  };

  const takeRequest = (pdu: Pdu) => {
    const { command, sequence } = pdu;
    switch (command) {
      case "enquire_link":
        return write({ command: "enquire_link_resp", status: statuses.ok, sequence });
      case "unbind":
        return takeUnbind(sequence);
      case "bind_receiver":
      case "bind_transmitter":
      case "bind_transceiver":
        return takeBind(pdu);
      case "submit_sm":
        return takeMessage(pdu, boundAs === "bind_receiver" ? undefined : on.onSubmit);
      case "deliver_sm":
        return takeMessage(pdu, on.onDeliver);
      case "outbind":
        return on.onOther?.(pdu);
      default:
        return takeOther(pdu as OtherRequest);
    }
  };

  const takeUnbind = (sequence: number) => {
    write({ command: "unbind_resp", status: statuses.ok, sequence });
    outbox.flush();
    boundAs = undefined;
    isClosing = true;
    endBy = performance.now() + DRAIN_MS_MAX;
    socket.end();
  };

  const takeBind = (pdu: BindRequest) => {
    const mayBind = boundAs === undefined && !isClosing;
    const status = mayBind ? (on.onBind?.(pdu) ?? statuses.bindFailed) : statuses.alreadyBound;
    const { sequence, command } = pdu;
    takeBound({ command, status });
    write({ command: `${command}_resp`, status, sequence, systemId: options.systemId });
  };

  const takeMessage = <Message extends SubmitSm | DeliverSm>(
    pdu: Message,
    take: ((pdu: Message) => void) | undefined,
  ) => {
    unanswered += 1;
    const noMessage = { messageId: "" };
    if (boundAs === undefined || take === undefined) {
      return respond(pdu, statuses.invalidBindStatus, noMessage);
    }
    // Not by reading no more: then the answers that we wait for would stay unread behind it.
    if (unanswered > UNANSWERED_MAX) return respond(pdu, busy[pdu.command], noMessage);
    return take(pdu);
  };

  const takeOther = (pdu: OtherRequest) => {
    const response = responseTo(pdu.command);
    const { sequence } = pdu;
    if (boundAs !== undefined && on.onOther !== undefined) return on.onOther(pdu);
    if (response === undefined) return undefined;
    const status = boundAs === undefined ? statuses.invalidBindStatus : statuses.invalidCommandId;
    return write({ command: response, status, sequence } as Pdu);
  };

  const respond: SmppSession["respond"] = (pdu, status, fields, onFate) => {
    unanswered -= 1;
    const command = pdu.command === "submit_sm" ? "submit_sm_resp" : "deliver_sm_resp";
    write({ command, status, sequence: pdu.sequence, messageId: fields?.messageId ?? "" }, onFate);
  };

  const tick = () => {
    if (isClosed) return;
    const now = performance.now();
    const due = requests.tick(now);
    if (due.isDead) end(new Error("The far end does not answer enquire_link."));
    else if (now >= endBy) end(new Error("The far end did not bind, or did not close, in time."));
    else if (due.isQuiet && boundAs !== undefined) {
      request({ command: "enquire_link", status: 0, sequence: 0 }, () => undefined);
    }
  };

  // What has arrived is read before time is called: a busy process must not take itself for silence.
  const tickMs = Math.min(TICK_MS_MAX, enquireLinkMs / 4, responseTimeoutMs / 4);
  const timer = setInterval(() => setImmediate(tick), tickMs);

  const read = (chunk: Buffer) => {
    if (isClosed) return;
    try {
      if (decoder.push(chunk, takePdu) === 0) return;
      const now = performance.now();
      requests.heard(now);
      fates.spoke(now);
    } catch (error) {
      if (error instanceof SmppDecodeError) {
        write({ command: "generic_nack", status: error.status, sequence: error.sequence });
        outbox.flush();
      }
      end(error instanceof Error ? error : new Error(String(error)));
    }
  };

  socket.setNoDelay(true);
  socket.on("data", read);
  socket.on("error", (error) => end(error));
  socket.on("close", () => end(undefined));

  const close = async () => {
    const deadline = performance.now() + DRAIN_MS_MAX;
    const isIdle = () => isClosed || requests.size() === 0 || performance.now() >= deadline;
    isClosing = true;
    if (boundAs !== undefined) {
      while (!isIdle()) await pause(POLL_MS);
      await new Promise<void>((done) => {
        const late = setTimeout(done, UNBIND_MS_MAX);
        request({ command: "unbind", status: 0, sequence: 0 }, (answer) => {
          clearTimeout(late);
          if (!(answer instanceof SmppNoAnswer)) fates.heard();
          done();
        });
      });
    }
    end(undefined);
  };

  return {
    bind: (bind, onAnswer) => request({ ...bind, sequence: 0, status: statuses.ok }, onAnswer),
    submit: messages("submit_sm", "bind_receiver"),
    deliver: messages("deliver_sm", "bind_transmitter"),
    ...{ request, respond, reply: write },
    freeSlots: () => {
      if (isClosing || boundAs === undefined || outbox.isStuck()) return 0;
      return requests.free();
    },
    isBound: () => boundAs !== undefined,
    ...{ close, destroy: end },
  };
}

const busy = { submit_sm: statuses.throttled, deliver_sm: statuses.temporaryAppError };

const bindNames: Partial<Record<CommandName, BindName>> = {
  bind_receiver: "bind_receiver",
  bind_receiver_resp: "bind_receiver",
  bind_transmitter: "bind_transmitter",
  bind_transmitter_resp: "bind_transmitter",
  bind_transceiver: "bind_transceiver",
  bind_transceiver_resp: "bind_transceiver",
};

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
