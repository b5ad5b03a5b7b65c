import type { Socket } from "node:net";
import { createDecoder, encodePdu, SmppDecodeError } from "./codec.ts";
import {
  type BindRequest,
  commands,
  type DeliverSm,
  type MessageResponse,
  type Pdu,
  RESPONSE_BIT,
  type ShortMessage,
  type SubmitSm,
  statuses,
} from "./pdus.ts";
import { createWindow, type Window } from "./window.ts";

export type SessionEvents = {
  /** Server: answers a bind with a status; 0 accepts it. */
  readonly onBind?: (bind: BindRequest) => number;
  /** Server: a message to answer with `respond`. */
  readonly onSubmit?: (pdu: SubmitSm) => void;
  /** Client: a receipt or a text, to answer with `respond`. */
  readonly onDeliver?: (pdu: DeliverSm) => void;
  readonly onClose: (cause: Error | undefined) => void;
};

export type SessionOptions = {
  /** Requests under way at once. */
  readonly window: number;
  readonly enquireLinkMs: number;
  readonly responseTimeoutMs: number;
  readonly systemId: string;
  readonly on: SessionEvents;
};

/** Why a request has no answer. `isWritten`: its bytes may have reached the far end. */
export class SmppNoAnswer extends Error {
  readonly isWritten: boolean;
  constructor(why: string, isWritten: boolean) {
    super(why);
    this.name = "SmppNoAnswer";
    this.isWritten = isWritten;
  }
}

export type Answer = (response: Pdu | SmppNoAnswer) => void;

export type SmppSession = {
  readonly bind: (bind: Omit<BindRequest, "sequence" | "status">, onAnswer: Answer) => void;
  readonly submit: (message: ShortMessage, onAnswer: Answer) => void;
  readonly deliver: (message: ShortMessage, onAnswer: Answer) => void;
  readonly respond: (
    request: SubmitSm | DeliverSm,
    status: number,
    fields?: { messageId: string },
  ) => void;
  readonly freeSlots: () => number;
  readonly isBound: () => boolean;
  /** Unbinds, waits a bounded time for answers under way, then closes. */
  readonly close: () => Promise<void>;
  readonly destroy: (cause?: Error) => void;
};

/** Messages from the far end that we have not answered; beyond it we read no more. */
const UNANSWERED_MAX = 1_000;
const TICK_MS = 1_000;
const CLOSE_MS_MAX = 3_000;

/** One SMPP session on a connected socket, in either role. Bad bytes end this session only. */
export function openSession(socket: Socket, options: SessionOptions): SmppSession {
  const decoder = createDecoder();
  const window: Window<Answer> = createWindow({
    size: options.window,
    responseTimeoutMs: options.responseTimeoutMs,
    enquireLinkMs: options.enquireLinkMs,
  });
  let isBound = false;
  let isClosed = false;
  let unanswered = 0;
  let output: Buffer[] = [];

  const write = (pdu: Pdu) => {
    if (isClosed) return;
    if (output.length === 0) setImmediate(flush);
    output.push(encodePdu(pdu));
  };

  /** One write for all PDUs of a tick. */
  const flush = () => {
    const bytes = output.length === 1 ? output[0] : Buffer.concat(output);
    output = [];
    if (!isClosed && bytes !== undefined) socket.write(bytes);
  };

  const end = (cause: Error | undefined) => {
    if (isClosed) return;
    isClosed = true;
    isBound = false;
    clearInterval(timer);
    socket.destroy();
    const noAnswer = new SmppNoAnswer("The session ended before the answer came.", true);
    for (const answer of window.clear()) answer(noAnswer);
    options.on.onClose(cause);
  };

  const request = (make: (sequence: number) => Pdu, onAnswer: Answer) => {
    if (isClosed) return onAnswer(new SmppNoAnswer("The session is closed.", false));
    write(make(window.open(onAnswer, performance.now())));
  };

  const takePdu = (pdu: Pdu | SmppDecodeError) => {
    window.heard(performance.now());
    if (pdu instanceof SmppDecodeError) {
      write({ command: "generic_nack", status: pdu.status, sequence: pdu.sequence });
      return;
    }
    if ((commands[pdu.command] & RESPONSE_BIT) !== 0) takeResponse(pdu);
    else takeRequest(pdu);
  };

  const takeResponse = (pdu: Pdu) => {
    if (pdu.command.startsWith("bind_") && pdu.status === statuses.ok) isBound = true;
    window.close(pdu.sequence)?.(pdu);
  };

  const takeRequest = (pdu: Pdu) => {
    const { sequence } = pdu;
    switch (pdu.command) {
      case "enquire_link":
        return write({ command: "enquire_link_resp", status: statuses.ok, sequence });
      case "unbind":
        write({ command: "unbind_resp", status: statuses.ok, sequence });
        flush();
        socket.end();
        return undefined;
      case "bind_receiver":
      case "bind_transmitter":
      case "bind_transceiver":
        return takeBind(pdu);
      case "submit_sm":
      case "deliver_sm":
        return takeMessage(pdu);
      default:
        return write({ command: "generic_nack", status: statuses.invalidCommandId, sequence });
    }
  };

  const takeBind = (pdu: BindRequest) => {
    const status = isBound
      ? statuses.alreadyBound
      : (options.on.onBind?.(pdu) ?? statuses.bindFailed);
    if (status === statuses.ok) isBound = true;
    const { sequence } = pdu;
    write({ command: `${pdu.command}_resp`, status, sequence, systemId: options.systemId });
  };

  const takeMessage = (pdu: SubmitSm | DeliverSm) => {
    const take = pdu.command === "submit_sm" ? options.on.onSubmit : options.on.onDeliver;
    if (!isBound || take === undefined) {
      unanswered += 1;
      return respond(pdu, statuses.invalidBindStatus, { messageId: "" });
    }
    unanswered += 1;
    if (unanswered >= UNANSWERED_MAX) socket.pause();
    return take(pdu as SubmitSm & DeliverSm);
  };

  const respond: SmppSession["respond"] = (pdu, status, fields) => {
    unanswered -= 1;
    if (unanswered < UNANSWERED_MAX / 2 && socket.isPaused()) socket.resume();
    const response: MessageResponse = {
      command: pdu.command === "submit_sm" ? "submit_sm_resp" : "deliver_sm_resp",
      ...{ status, sequence: pdu.sequence, messageId: fields?.messageId ?? "" },
    };
    write(response);
  };

  const timer = setInterval(() => {
    const due = window.tick(performance.now());
    for (const answer of due.timedOut) {
      answer(new SmppNoAnswer(`No answer within ${options.responseTimeoutMs} ms.`, true));
    }
    if (due.isDead) end(new Error("The far end does not answer enquire_link."));
    else if (due.isQuiet && isBound) {
      request(
        (sequence) => ({ command: "enquire_link", status: 0, sequence }),
        () => undefined,
      );
    }
  }, TICK_MS);

  socket.setNoDelay(true);
  socket.on("data", (chunk) => {
    try {
      decoder.push(chunk, takePdu);
    } catch (error) {
      if (error instanceof SmppDecodeError) {
        write({ command: "generic_nack", status: error.status, sequence: error.sequence });
        flush();
      }
      end(error instanceof Error ? error : new Error(String(error)));
    }
  });
  socket.on("error", (error) => end(error));
  socket.on("close", () => end(undefined));

  const message = (command: "submit_sm" | "deliver_sm"): SmppSession["submit"] => {
    return (fields, onAnswer) => {
      if (!isBound) return onAnswer(new SmppNoAnswer("The session is not bound.", false));
      return request((sequence) => ({ ...fields, command, sequence, status: 0 }), onAnswer);
    };
  };

  return {
    bind: (bind, onAnswer) =>
      request((sequence) => ({ ...bind, sequence, status: statuses.ok }), onAnswer),
    submit: message("submit_sm"),
    deliver: message("deliver_sm"),
    respond,
    freeSlots: () => (isBound ? window.free() : 0),
    isBound: () => isBound,
    close: async () => {
      const deadline = performance.now() + CLOSE_MS_MAX;
      while (!isClosed && window.size() > 0 && performance.now() < deadline) await pause(20);
      if (isBound) {
        await new Promise<void>((done) => {
          setTimeout(done, CLOSE_MS_MAX / 3);
          request(
            (sequence) => ({ command: "unbind", status: 0, sequence }),
            () => done(),
          );
        });
      }
      end(undefined);
    },
    destroy: end,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
