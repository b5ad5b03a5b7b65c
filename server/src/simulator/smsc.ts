import { createServer, type Socket } from "node:net";
import { encodeText } from "../connectors/smpp/text.ts";
import type { Clock } from "../lib/clock.ts";
import { splitBody } from "../segments/segment.ts";
import { emptyMessage, type ShortMessage, type SubmitSm, statuses, tlvs } from "../smpp/pdus.ts";
import { openSession, SmppNoAnswer, type SmppSession } from "../smpp/session.ts";
import type { Network } from "./network.ts";
import type { Phones } from "./phones.ts";

export type Smsc = {
  readonly port: number;
  /** A text from a phone to one of our numbers. */
  readonly inject: (text: { from: string; to: string; body: string }) => void;
  readonly submitted: () => number;
  readonly close: () => Promise<void>;
};

const WINDOW = 1_000;
/** Receipts and texts that wait for a bind; beyond it the oldest is lost, as in a real network. */
const PENDING_MAX = 200_000;
const AGAIN_MS = 2_000;
const TICK_MS = 10;
const RECEIPT = 0x04;
const stateWords = [
  "",
  "ENROUTE",
  "DELIVRD",
  "EXPIRED",
  "DELETED",
  "UNDELIV",
  "ACCEPTD",
  "UNKNOWN",
  "REJECTD",
];

/** An SMSC over SMPP before the model network: answers, receipts, texts from phones. */
export async function startSmsc(app: {
  port: number;
  systemId: string;
  password: string;
  network: Network;
  phones: Phones;
  clock: Clock;
  /** Told each submission that was accepted, with its receipt's id. */
  onSubmit: (pdu: SubmitSm, messageId: string) => void;
}): Promise<Smsc> {
  const sessions = new Set<SmppSession>();
  const sockets = new Set<Socket>();
  const due = createDueList();
  let ready: ShortMessage[] = [];
  let count = 0;
  let reference = 0;
  const firstId = app.clock().getTime() % 1_000_000_000;

  const submit = (session: SmppSession, pdu: SubmitSm) => {
    const recipient = pdu.dest;
    const reaction = app.network.react(recipient);
    if (reaction.status !== statuses.ok) return session.respond(pdu, reaction.status);
    count += 1;
    const messageId = String(firstId * 1_000_000 + count);
    app.onSubmit(pdu, messageId);
    if (reaction.isShown) app.phones.receive(pdu, app.clock());
    const now = performance.now();
    for (const receipt of reaction.receipts) {
      const message = receiptOf(pdu, { messageId, ...receipt, at: app.clock() });
      if (receipt.afterMs < 0) push(session, message);
      else due.add(now + receipt.afterMs, message);
    }
    const { reply } = reaction;
    if (reply !== undefined) {
      const parts = textOf({ from: `+${recipient}`, to: pdu.source, body: reply.text }, 0);
      for (const part of parts) due.add(now + reply.afterMs, part);
    }
    return session.respond(pdu, statuses.ok, { messageId });
  };

  /** Comes again until it is acknowledged. */
  const push = (session: SmppSession, message: ShortMessage) => {
    session.deliver(message, (answer) => {
      const isDone = !(answer instanceof SmppNoAnswer) && answer.status === statuses.ok;
      if (!isDone) due.add(performance.now() + AGAIN_MS, message);
    });
  };

  const timer = setInterval(() => {
    ready.push(...due.take(performance.now()));
    if (ready.length > PENDING_MAX) ready = ready.slice(-PENDING_MAX);
    for (const session of sessions) {
      while (ready.length > 0 && session.freeSlots() > 0) {
        const batch = ready.splice(0, session.freeSlots());
        for (const message of batch) push(session, message);
      }
    }
  }, TICK_MS);

  const server = createServer((socket) => {
    sockets.add(socket);
    const session: SmppSession = openSession(socket, {
      ...{ window: WINDOW, enquireLinkMs: 60_000, responseTimeoutMs: 30_000 },
      systemId: "longwave-simulator",
      on: {
        onBind: ({ systemId, password }) => {
          if (systemId !== app.systemId) return statuses.invalidSystemId;
          if (password !== app.password) return statuses.invalidPassword;
          sessions.add(session);
          return statuses.ok;
        },
        onSubmit: (pdu) => submit(session, pdu),
        onClose: () => {
          sessions.delete(session);
          sockets.delete(socket);
        },
      },
    });
  });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(app.port, "127.0.0.1", done);
  });
  const address = server.address();

  return {
    port: typeof address === "object" && address !== null ? address.port : app.port,
    submitted: () => count,
    inject: (text) => {
      reference = (reference + 1) % 256;
      ready.push(...textOf(text, reference));
    },
    close: async () => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

type DueList = {
  readonly add: (at: number, message: ShortMessage) => void;
  readonly take: (now: number) => ShortMessage[];
};

/** Slots of the tick's width: adding and taking cost the same whatever waits. */
function createDueList(): DueList {
  const slots = new Map<number, ShortMessage[]>();
  let next = Math.floor(performance.now() / TICK_MS);
  return {
    add: (at, message) => {
      const slot = Math.max(next, Math.ceil(at / TICK_MS));
      const messages = slots.get(slot);
      if (messages === undefined) slots.set(slot, [message]);
      else messages.push(message);
    },
    take: (now) => {
      const taken: ShortMessage[] = [];
      for (; next <= now / TICK_MS; next += 1) {
        const messages = slots.get(next);
        if (messages === undefined) continue;
        taken.push(...messages);
        slots.delete(next);
      }
      return taken;
    },
  };
}

/** A delivery receipt with both forms of its id and state (SMPP 3.4, appendix B). */
function receiptOf(
  pdu: SubmitSm,
  receipt: { messageId: string; state: number; error: string; at: Date },
): ShortMessage {
  const date = receipt.at.toISOString().replaceAll(/[-:T]/g, "").slice(2, 12);
  const delivered = receipt.state === 2 ? "001" : "000";
  const text = `id:${receipt.messageId} sub:001 dlvrd:${delivered} submit date:${date} done date:${date} stat:${stateWords[receipt.state]} err:${receipt.error} text:`;
  return {
    ...emptyMessage,
    ...{ sourceTon: pdu.destTon, sourceNpi: pdu.destNpi, source: pdu.dest },
    ...{ destTon: pdu.sourceTon, destNpi: pdu.sourceNpi, dest: pdu.source },
    esmClass: RECEIPT,
    shortMessage: Buffer.from(text, "latin1"),
    tlvs: new Map([
      [tlvs.receipted_message_id, Buffer.from(`${receipt.messageId}\0`, "latin1")],
      [tlvs.message_state, Buffer.from([receipt.state])],
    ]),
  };
}

function textOf(text: { from: string; to: string; body: string }, reference: number) {
  const { encoding, parts } = splitBody(text.body);
  return parts.map((part, index): ShortMessage => {
    const submission = {
      ...{ id: 0n, part: index + 1, parts: parts.length, attempt: 1, encoding, text: part },
      ...{ sender: text.from, recipient: text.to, reference, validUntil: new Date(0) },
    };
    return {
      ...emptyMessage,
      ...{ sourceTon: 1, sourceNpi: 1, source: text.from.replace(/^\+/, "") },
      ...{ destTon: text.to.startsWith("+") ? 1 : 3, dest: text.to.replace(/^\+/, "") },
      ...encodeText(submission),
    };
  });
}
