import type { Socket } from "node:net";
import { appendMessage, appendPdu, createOutput, takeBytes } from "./encode-pdu.ts";
import type { Pdu, ShortMessage } from "./pdus.ts";

/** Beyond this the far end does not read; then we neither read from it nor submit to it. */
const UNSENT_BYTES_MAX = 1_048_576;

export type Outbox = {
  readonly add: (pdu: Pdu) => void;
  readonly addMessage: (
    command: "submit_sm" | "deliver_sm",
    sequence: number,
    message: ShortMessage,
  ) => void;
  readonly flush: () => void;
  readonly isStuck: () => boolean;
  readonly close: () => void;
};

/**
 * One write for all PDUs of a tick. `onLeaving` is told when what was added leaves for the socket;
 * what it returns, if anything, is told when the operating system has it. `onAdded` is told each PDU's
 * bytes, which are its to look at, not to keep.
 */
export function createOutbox(
  socket: Socket,
  onLeaving: () => (() => void) | undefined,
  onAdded?: (bytes: Buffer) => void,
): Outbox {
  const output = createOutput();
  let isDue = false;
  let isClosed = false;

  const due = () => {
    if (isDue) return;
    isDue = true;
    setImmediate(flush);
  };

  const flush = () => {
    isDue = false;
    const bytes = takeBytes(output);
    if (isClosed || bytes.length === 0 || !socket.writable) return;
    const onWritten = onLeaving();
    if (onWritten === undefined) socket.write(bytes);
    else {
      socket.write(bytes, (error) => {
        if (!error && !isClosed) onWritten();
      });
    }
    if (isStuck() && !socket.isPaused()) socket.pause();
  };

  const isStuck = () => socket.writableLength > UNSENT_BYTES_MAX;

  socket.on("drain", () => {
    if (socket.isPaused()) socket.resume();
  });

  /** What is untaken may have moved to another slab, so its length says where the new PDU begins. */
  const added = (untakenBefore: number) => {
    onAdded?.(output.slab.subarray(output.start + untakenBefore, output.at));
    due();
  };

  return {
    add: (pdu) => {
      const untaken = output.at - output.start;
      appendPdu(output, pdu);
      added(untaken);
    },
    addMessage: (command, sequence, message) => {
      const untaken = output.at - output.start;
      appendMessage(output, command, sequence, message);
      added(untaken);
    },
    flush,
    isStuck,
    close: () => {
      isClosed = true;
    },
  };
}
