import type { Socket } from "node:net";
import { appendMessage, appendPdu, createOutput, takeBytes } from "./encode-pdu.ts";
import { commands, type Pdu, type ShortMessage } from "./pdus.ts";

/** Beyond this the far end does not read; then we neither read from it nor submit to it. */
const UNSENT_BYTES_MAX = 1_048_576;
/**
 * A process that was stopped for longer between a submission and its write may have lost the right to
 * send it meanwhile. Rights are given up 300 ms before others may begin (throughput/heartbeat.ts).
 */
const HELD_UP_MS_MAX = 250;

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

export type OutboxEvents = {
  /**
   * What was added leaves for the socket. What it returns, if anything, is told when the operating
   * system has it.
   */
  readonly onLeaving: () => (() => void) | undefined;
  /** A submit_sm that is not written, because the process was held up for too long before it could be. */
  readonly onHeldUp: (sequence: number) => void;
  /** Each PDU's bytes as it is added; they are its to look at, not to keep. */
  readonly onAdded: ((bytes: Buffer) => void) | undefined;
};

/** One write for all PDUs of a tick. */
export function createOutbox(socket: Socket, on: OutboxEvents): Outbox {
  const output = createOutput();
  let isDue = false;
  let dueSince = 0;
  let isClosed = false;

  const due = () => {
    if (isDue) return;
    isDue = true;
    dueSince = performance.now();
    setImmediate(flush);
  };

  const flush = () => {
    isDue = false;
    const taken = takeBytes(output);
    if (isClosed || taken.length === 0 || !socket.writable) return;
    const isLate = performance.now() - dueSince > HELD_UP_MS_MAX;
    const bytes = isLate ? withoutSubmissions(taken, on.onHeldUp) : taken;
    const onWritten = on.onLeaving();
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
    on.onAdded?.(output.slab.subarray(output.start + untakenBefore, output.at));
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

/** Tells the sequence number of each (section 3.2: a header of four integers). */
function withoutSubmissions(bytes: Buffer, onLeftOut: (sequence: number) => void): Buffer {
  const others: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readUInt32BE(at);
    if (bytes.readUInt32BE(at + 4) === commands.submit_sm) onLeftOut(bytes.readUInt32BE(at + 12));
    else others.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat(others);
}
