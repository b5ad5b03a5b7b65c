import type { Outbox } from "./outbox.ts";
import { type CommandName, type Pdu, responseTo, type ShortMessage } from "./pdus.ts";
import { createWindow } from "./window.ts";

/** Why a request has no answer. `isWritten`: its bytes may have reached the far end. */
export class SmppNoAnswer extends Error {
  readonly isWritten: boolean;
  constructor(why: string, isWritten: boolean) {
    super(why);
    this.name = "SmppNoAnswer";
    this.isWritten = isWritten;
  }
}

/** The response to the request, or a generic_nack, or why there is none. */
export type Answer = (response: Pdu | SmppNoAnswer) => void;

type Waiting = { readonly response: CommandName | undefined; readonly onAnswer: Answer };

/** Our requests on a session, each with exactly one answer. */
export function createRequests(options: {
  window: number;
  responseTimeoutMs: number;
  enquireLinkMs: number;
}) {
  const { responseTimeoutMs, enquireLinkMs } = options;
  const window = createWindow<Waiting>({
    ...{ size: options.window, responseTimeoutMs, enquireLinkMs },
  });

  /** A request that fits in no PDU has its answer at once. */
  const open = (
    response: CommandName | undefined,
    onAnswer: Answer,
    add: (sequence: number) => void,
  ) => {
    const sequence = window.open({ response, onAnswer }, performance.now());
    try {
      add(sequence);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      window.close(sequence);
      onAnswer(new SmppNoAnswer(error.message, false));
    }
  };

  return {
    ...{ written: window.written, heard: window.heard, free: window.free, size: window.size },
    send: (outbox: Outbox, pdu: Pdu, onAnswer: Answer): void =>
      open(responseTo(pdu.command), onAnswer, (sequence) => outbox.add({ ...pdu, sequence })),
    sendMessage: (
      outbox: Outbox,
      command: "submit_sm" | "deliver_sm",
      message: ShortMessage,
      onAnswer: Answer,
    ): void => {
      const response = command === "submit_sm" ? "submit_sm_resp" : "deliver_sm_resp";
      open(response, onAnswer, (sequence) => outbox.addMessage(command, sequence, message));
    },
    /** Gives a response to its request; what nobody asked for is dropped. */
    answer: (pdu: Pdu, beforeAnswer: () => void): void => {
      const waiting = window.close(pdu.sequence);
      if (waiting === undefined) return;
      if (pdu.command === waiting.response || pdu.command === "generic_nack") {
        beforeAnswer();
        waiting.onAnswer(pdu);
        return;
      }
      const why = `The far end answered with ${pdu.command} instead of ${waiting.response}.`;
      waiting.onAnswer(new SmppNoAnswer(why, true));
    },
    /** The answer came but cannot be read. */
    fail: (sequence: number, why: string): void =>
      window.close(sequence)?.onAnswer(new SmppNoAnswer(why, true)),
    /** Its bytes did not leave, and will not. */
    heldUp: (sequence: number): void =>
      window
        .close(sequence)
        ?.onAnswer(new SmppNoAnswer("The process was stopped before it could write.", false)),
    tick: (now: number) => {
      const due = window.tick(now);
      for (const { onAnswer } of due.timedOut) {
        onAnswer(new SmppNoAnswer(`No answer within ${responseTimeoutMs} ms.`, true));
      }
      return due;
    },
    end: (): void => {
      for (const { waiting, isWritten } of window.clear()) {
        waiting.onAnswer(new SmppNoAnswer("The session ended before the answer came.", isWritten));
      }
    },
  };
}
