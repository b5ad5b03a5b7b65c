import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { SmppDecodeError } from "./decode-pdu.ts";
import { encodePdu } from "./encode-pdu.ts";
import { type DeliverSm, emptyMessage, type Pdu, type SubmitSm, statuses } from "./pdus.ts";
import type { ResponseFate } from "./response-fates.ts";
import {
  openSession,
  type SessionOptions,
  SmppNoAnswer,
  type SmppSession,
  UNANSWERED_MAX,
} from "./session.ts";
import { createStreamDecoder } from "./stream-decoder.ts";

const login = { systemId: "us", password: "secret", systemType: "", interfaceVersion: 0x34 };
const message = { ...emptyMessage, dest: "15550100", shortMessage: Buffer.from("Hi") };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Two ends of one connection on loopback. */
async function socketPair(): Promise<{ near: Socket; far: Socket }> {
  const server: Server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const accepted = new Promise<Socket>((done) => server.once("connection", done));
  const near = connect(port, "127.0.0.1");
  const far = await accepted;
  closers.push(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

/** A session and how it ended, and what it told. */
function open(socket: Socket, options: Partial<SessionOptions> = {}) {
  let ended: (cause: Error | undefined) => void = () => undefined;
  const closed = new Promise<Error | undefined>((done) => {
    ended = done;
  });
  const session: SmppSession = openSession(socket, {
    ...{ window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 10_000, systemId: "test" },
    ...options,
    on: { onBind: () => statuses.ok, ...options.on, onClose: ended },
  });
  closers.push(() => session.destroy());
  return { session, closed };
}

/** The far end without a session: it reads PDUs and writes what the test says. */
function wire(socket: Socket) {
  const decoder = createStreamDecoder();
  const found: (Pdu | SmppDecodeError)[] = [];
  let onPdu: () => void = () => undefined;
  socket.on("data", (chunk) => {
    decoder.push(chunk, (pdu) => found.push(pdu));
    onPdu();
  });
  return {
    write: (...pdus: Pdu[]) => socket.write(Buffer.concat(pdus.map(encodePdu))),
    bytes: (hex: string) => socket.write(Buffer.from(hex, "hex")),
    next: async (): Promise<Pdu> => {
      while (found.length === 0) {
        await new Promise<void>((done) => {
          onPdu = done;
        });
      }
      return found.shift() as Pdu;
    },
  };
}

type Wire = ReturnType<typeof wire>;

function answerOf(start: (onAnswer: (pdu: Pdu | SmppNoAnswer) => void) => void) {
  return new Promise<Pdu | SmppNoAnswer>((done) => start(done));
}

async function boundClient(options: Partial<SessionOptions> = {}) {
  const { near, far } = await socketPair();
  const { session, closed } = open(near, options);
  const smsc = wire(far);
  const bound = answerOf((done) => session.bind({ command: "bind_transceiver", ...login }, done));
  await acceptBind(smsc);
  await bound;
  return { session, closed, smsc, near, far };
}

async function acceptBind(smsc: Wire) {
  const bind = await smsc.next();
  const { sequence } = bind;
  smsc.write({ command: "bind_transceiver_resp", status: 0, sequence, systemId: "smsc" });
}

async function boundServer(on: Partial<SessionOptions["on"]> = {}) {
  const { near, far } = await socketPair();
  const { session, closed } = open(far, { on: { ...on, onClose: () => undefined } });
  const esme = wire(near);
  esme.write({ command: "bind_transceiver", status: 0, sequence: 1, ...login });
  await esme.next();
  return { session, closed, esme };
}

test("both roles: a bind, a message and its id", async () => {
  const { near, far } = await socketPair();
  const server = open(far, {
    on: {
      onSubmit: (pdu: SubmitSm) => server.session.respond(pdu, statuses.ok, { messageId: "m1" }),
      onClose: () => undefined,
    },
  });
  const client = open(near).session;
  expect(client.freeSlots()).toBe(0);
  await answerOf((done) => client.bind({ command: "bind_transceiver", ...login }, done));
  expect(client.freeSlots()).toBe(10);
  const answer = await answerOf((done) => client.submit(message, done));
  expect(answer).toMatchObject({ command: "submit_sm_resp", status: 0, messageId: "m1" });
});

test("a slot of the window is taken until the answer comes", async () => {
  const { session, smsc } = await boundClient({ window: 2 });
  const answers = [1, 2].map(() => answerOf((done) => session.submit(message, done)));
  expect(session.freeSlots()).toBe(0);
  const { sequence } = await smsc.next();
  smsc.write({ command: "submit_sm_resp", status: 0, sequence, messageId: "1" });
  await answers[0];
  expect(session.freeSlots()).toBe(1);
});

test("nobody is bound by a bind response that was not asked for", async () => {
  const { near, far } = await socketPair();
  const { session } = open(far);
  const esme = wire(near);
  esme.write(
    { command: "bind_transceiver_resp", status: 0, sequence: 1, systemId: "me" },
    { ...message, command: "submit_sm", status: 0, sequence: 2 },
  );
  expect(await esme.next()).toMatchObject({ status: statuses.invalidBindStatus, sequence: 2 });
  expect(session.isBound()).toBe(false);
});

test("a response of another kind does not accept a message", async () => {
  const { session, smsc } = await boundClient();
  const answer = answerOf((done) => session.submit(message, done));
  const { sequence } = await smsc.next();
  smsc.write({ command: "enquire_link_resp", status: 0, sequence });
  expect(await answer).toMatchObject({ isWritten: true, message: expect.stringContaining("enq") });
});

test("a generic_nack answers the request that it names", async () => {
  const { session, smsc } = await boundClient();
  const answer = answerOf((done) => session.submit(message, done));
  const { sequence } = await smsc.next();
  smsc.write({ command: "generic_nack", status: statuses.invalidCommandId, sequence });
  expect(await answer).toMatchObject({ command: "generic_nack", status: 3 });
});

test("a request without an answer is told as written, and its slot comes back", async () => {
  const { session, smsc } = await boundClient({ responseTimeoutMs: 60 });
  const answer = await answerOf((done) => session.submit(message, done));
  expect(answer).toMatchObject({ isWritten: true });
  expect(session.freeSlots()).toBe(10);
  await smsc.next();
});

test("requests whose bytes never left are told apart from those in doubt", async () => {
  const { session, smsc } = await boundClient();
  const first = answerOf((done) => session.submit(message, done));
  await smsc.next();
  const second = answerOf((done) => session.submit(message, done));
  session.destroy();
  expect([await first, await second]).toMatchObject([{ isWritten: true }, { isWritten: false }]);
});

test("a message that fits in no PDU is refused and takes no slot", async () => {
  const { session } = await boundClient();
  const long = { ...message, shortMessage: Buffer.alloc(300) };
  const answer = await answerOf((done) => session.submit(long, done));
  expect(answer).toMatchObject({ isWritten: false });
  expect(session.freeSlots()).toBe(10);
});

test("a quiet line is asked with enquire_link, and a dead one ends the session", async () => {
  const { closed, smsc } = await boundClient({ enquireLinkMs: 40, responseTimeoutMs: 60 });
  expect(await smsc.next()).toMatchObject({ command: "enquire_link" });
  expect(await closed).toMatchObject({ message: expect.stringContaining("enquire_link") });
});

test("an enquire_link is answered, bound or not", async () => {
  const { near, far } = await socketPair();
  open(far);
  const esme = wire(near);
  esme.write({ command: "enquire_link", status: 0, sequence: 77 });
  expect(await esme.next()).toMatchObject({ command: "enquire_link_resp", sequence: 77 });
});

test.each([
  ["a browser", Buffer.from("GET / HTTP/1.1\r\n\r\n").toString("hex")],
  ["length 0", "00000000"],
  ["length 2^31", "80000000000000040000000000000001"],
])("%s on the port ends that session and no other", async (_what, hex) => {
  const other = await boundClient();
  const { near, far } = await socketPair();
  const { closed } = open(far);
  wire(near).bytes(hex);
  expect(await closed).toBeInstanceOf(Error);
  const answer = answerOf((done) => other.session.submit(message, done));
  const { sequence } = await other.smsc.next();
  other.smsc.write({ command: "submit_sm_resp", status: 0, sequence, messageId: "1" });
  expect(await answer).toMatchObject({ messageId: "1" });
});

test.each([
  ["an unknown command", "00000010000000990000000000000005", "generic_nack", 3],
  ["a submit_sm without a body", "00000010000000040000000000000005", "submit_sm_resp", 2],
])("%s is refused by name and the session goes on", async (_what, hex, command, status) => {
  const { esme } = await boundServer();
  esme.bytes(hex);
  expect(await esme.next()).toMatchObject({ command, status, sequence: 5 });
  esme.write({ command: "enquire_link", status: 0, sequence: 6 });
  expect(await esme.next()).toMatchObject({ command: "enquire_link_resp", sequence: 6 });
});

test("an unknown response is not answered, or two ends would answer each other for ever", async () => {
  const { esme } = await boundServer();
  esme.bytes("00000010800000990000000000000005");
  esme.write({ command: "enquire_link", status: 0, sequence: 6 });
  expect(await esme.next()).toMatchObject({ command: "enquire_link_resp", sequence: 6 });
});

test("messages beyond the bound of unanswered ones are refused for now", async () => {
  const taken: SubmitSm[] = [];
  const { esme, session } = await boundServer({ onSubmit: (pdu) => taken.push(pdu) });
  const submits = Array.from({ length: UNANSWERED_MAX + 1 }, (_none, index) => ({
    ...{ ...message, command: "submit_sm" as const, status: 0, sequence: index + 10 },
  }));
  esme.write(...submits);
  expect(await esme.next()).toMatchObject({
    ...{ status: statuses.throttled, sequence: UNANSWERED_MAX + 10 },
  });
  for (const pdu of taken) session.respond(pdu, statuses.ok, { messageId: "1" });
  expect(await esme.next()).toMatchObject({ status: statuses.ok, sequence: 10 });
});

test("a far end that sends but never reads is read no further", async () => {
  const { near, far } = await socketPair();
  open(far);
  near.pause();
  const enquire = encodePdu({ command: "enquire_link", status: 0, sequence: 1 });
  const chunk = Buffer.concat(Array.from({ length: 50_000 }, () => enquire));
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      if (near.writableLength < chunk.length * 4) near.write(chunk);
      if (!far.isPaused()) return;
      clearInterval(timer);
      done();
    }, 1);
  });
  expect(far.writableLength).toBeLessThan(4 * 1_048_576);
});

test("a receiver may not submit, but is delivered to", async () => {
  const { near, far } = await socketPair();
  const { session } = open(far, {
    on: { onSubmit: () => undefined, onClose: () => undefined },
  });
  const esme = wire(near);
  esme.write({ command: "bind_receiver", status: 0, sequence: 1, ...login });
  expect(await esme.next()).toMatchObject({ command: "bind_receiver_resp", status: 0 });
  esme.write({ ...message, command: "submit_sm", status: 0, sequence: 2 });
  expect(await esme.next()).toMatchObject({ status: statuses.invalidBindStatus });
  const delivered = answerOf((done) => session.deliver(message, done));
  expect(await esme.next()).toMatchObject({ command: "deliver_sm" });
  esme.write({ command: "deliver_sm_resp", status: 0, sequence: 1, messageId: "" });
  expect(await delivered).toMatchObject({ status: 0 });
});

test("a transmitter gets no deliver_sm", async () => {
  const { near, far } = await socketPair();
  const { session } = open(far);
  const esme = wire(near);
  esme.write({ command: "bind_transmitter", status: 0, sequence: 1, ...login });
  await esme.next();
  const answer = await answerOf((done) => session.deliver(message, done));
  expect(answer).toMatchObject({ isWritten: false });
});

test("a second bind on one session is refused", async () => {
  const { esme } = await boundServer();
  esme.write({ command: "bind_receiver", status: 0, sequence: 2, ...login });
  expect(await esme.next()).toMatchObject({ status: statuses.alreadyBound });
});

test("after the far end's unbind nothing more is submitted", async () => {
  const { session, smsc, closed } = await boundClient();
  smsc.write({ command: "unbind", status: 0, sequence: 1 });
  expect(await smsc.next()).toMatchObject({ command: "unbind_resp" });
  expect(session.freeSlots()).toBe(0);
  const answer = await answerOf((done) => session.submit(message, done));
  expect(answer).toMatchObject({ isWritten: false });
  expect(await closed).toBeUndefined();
});

test("closing waits for answers under way, takes no more, and unbinds", async () => {
  const { session, smsc, closed } = await boundClient();
  const answer = answerOf((done) => session.submit(message, done));
  const { sequence } = await smsc.next();
  const closing = session.close();
  expect(await answerOf((done) => session.submit(message, done))).toBeInstanceOf(SmppNoAnswer);
  smsc.write({ command: "submit_sm_resp", status: 0, sequence, messageId: "late" });
  expect(await answer).toMatchObject({ messageId: "late" });
  const unbind = await smsc.next();
  expect(unbind.command).toBe("unbind");
  smsc.write({ command: "unbind_resp", status: 0, sequence: unbind.sequence });
  await closing;
  expect(await closed).toBeUndefined();
});

test("closing ends although the far end says nothing", async () => {
  const { session } = await boundClient();
  const answer = answerOf((done) => session.submit(message, done));
  await session.close();
  expect(await answer).toMatchObject({ isWritten: true });
});

test("every other request of 3.4 goes to its listener and its reply comes back", async () => {
  const { near, far } = await socketPair();
  const server = open(far, {
    on: {
      onOther: (pdu) => {
        if (pdu.command !== "query_sm") return;
        const { sequence, messageId } = pdu;
        const found = { messageId, finalDate: "", messageState: 2, errorCode: 0 };
        server.session.reply({ command: "query_sm_resp", status: 0, sequence, ...found });
      },
      onClose: () => undefined,
    },
  });
  const client = open(near).session;
  await answerOf((done) => client.bind({ command: "bind_transceiver", ...login }, done));
  const source = { sourceTon: 1, sourceNpi: 1, source: "1555" };
  const answer = await answerOf((done) =>
    client.request(
      { command: "query_sm", status: 0, sequence: 0, messageId: "7", ...source },
      done,
    ),
  );
  expect(answer).toMatchObject({ command: "query_sm_resp", messageId: "7", messageState: 2 });
});

test("an outbind reaches the client before it is bound", async () => {
  const { near, far } = await socketPair();
  const told = new Promise((done) => {
    open(near, { on: { onOther: done, onClose: () => undefined } });
  });
  wire(far).write({ command: "outbind", status: 0, sequence: 1, systemId: "smsc", password: "p" });
  expect(await told).toMatchObject({ command: "outbind", systemId: "smsc" });
});

test.each([
  ["heard when the far end answers the unbind after it", "heard"],
  ["lost when the session ends before the far end spoke again", "lost"],
] as const)("a written answer is %s", async (_what, last) => {
  let take: (pdu: DeliverSm) => void = () => undefined;
  const delivered = new Promise<DeliverSm>((done) => {
    take = done;
  });
  const on = { onDeliver: (pdu: DeliverSm) => take(pdu), onClose: () => undefined };
  const { session, smsc } = await boundClient({ on });
  smsc.write({ ...message, command: "deliver_sm", status: 0, sequence: 7 });
  const fates: ResponseFate[] = [];
  session.respond(await delivered, statuses.ok, undefined, (fate) => fates.push(fate));
  expect(await smsc.next()).toMatchObject({ command: "deliver_sm_resp", sequence: 7 });
  await expect.poll(() => fates).toEqual(["written"]);
  if (last === "heard") {
    const closed = session.close();
    const { sequence } = await smsc.next();
    smsc.write({ command: "unbind_resp", status: 0, sequence });
    await closed;
  } else session.destroy();
  expect(fates).toEqual(["written", last]);
});
