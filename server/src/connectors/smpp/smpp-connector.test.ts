import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createQueue } from "../../../test/queue.ts";
import {
  closeAll,
  closeLater,
  deliver,
  dial,
  receipt,
  startCarrier,
  startConnector,
  submission,
  waitUntil,
} from "../../../test/smpp-carrier.ts";
import { emptyMessage, statuses, tlvs } from "../../smpp/pdus.ts";
import type { InboundPart, Receipt } from "../connector.ts";

afterEach(closeAll);

test("a submission is accepted with the carrier's id", async () => {
  const carrier = await startCarrier();
  const { connector, ready } = startConnector(carrier.port);
  await ready.next();
  expect(connector.state()).toEqual({ phase: "bound", window: 100, inFlight: 0 });
  const result = await connector.submit(submission);
  expect(result).toEqual({ kind: "accepted", carrierMessageId: "m1" });
  expect(await carrier.submits.next()).toMatchObject({
    ...{ source: "15550100", sourceTon: 1, sourceNpi: 1, dest: "15550101", destTon: 1 },
    ...{ validityPeriod: "261124130000000+", registeredDelivery: 1, dataCoding: 0 },
  });
});

test("the carrier's dialect is spoken as configured", async () => {
  const carrier = await startCarrier();
  const { connector, ready } = startConnector(carrier.port, {
    ...{ validity: "relative", registeredDelivery: 17, serviceType: "OTP", concatenation: "sar" },
    ...{ tlvs: { "0x1400": "1001" }, addressTypes: { shortCode: { ton: 6, npi: 1 } } },
  });
  await ready.next();
  await connector.submit({ ...submission, sender: "55501", part: 2, parts: 3 });
  const pdu = await carrier.submits.next();
  expect(pdu).toMatchObject({
    ...{ sourceTon: 6, sourceNpi: 1, serviceType: "OTP", registeredDelivery: 17, esmClass: 0 },
    validityPeriod: "000000010000000R",
  });
  expect(pdu.tlvs.get(0x1400)?.toString()).toBe("1001\0");
  expect(pdu.tlvs.get(tlvs.sar_segment_seqnum)).toEqual(Buffer.from([2]));
});

test.each([
  ["throttled", statuses.throttled, { kind: "throttled", retryAfterMs: 1_000 }],
  ["queue full", statuses.queueFull, { kind: "queueFull" }],
  ["system error", statuses.systemError, { kind: "temporary" }],
  ["invalid destination", statuses.invalidDestination, { kind: "refused", errorCode: 30005 }],
  ["invalid source", statuses.invalidSource, { kind: "refused", errorCode: 21606 }],
  ["a vendor's own", 0x4a1, { kind: "refused", errorCode: 30008, carrierCode: "0x000004a1" }],
])("a refusal for %s says what comes next", async (_why, status, expected) => {
  const carrier = await startCarrier((pdu, session) => session.respond(pdu, status));
  const { connector, ready } = startConnector(carrier.port);
  await ready.next();
  expect(await connector.submit(submission)).toMatchObject(expected);
});

test("a generic_nack never accepts", async () => {
  const carrier = await startCarrier(({ sequence }, session) =>
    session.reply({ command: "generic_nack", status: statuses.ok, sequence }),
  );
  const { connector, ready } = startConnector(carrier.port);
  await ready.next();
  expect(await connector.submit(submission)).toMatchObject({ kind: "refused" });
});

test("a part that fits in no PDU is refused, however many binds there are", async () => {
  const carrier = await startCarrier();
  const { connector, ready } = startConnector(carrier.port, { binds: [{}, {}] });
  await ready.next();
  await ready.next();
  const long = { ...submission, text: "x".repeat(300), parts: 2 };
  expect(await connector.submit(long)).toMatchObject({ kind: "refused", errorCode: 30008 });
  expect(connector.freeSlots()).toBe(200);
});

test("a bind lost before the answer leaves the submission in doubt", async () => {
  const carrier = await startCarrier((_pdu, session) => session.destroy());
  const { connector, ready } = startConnector(carrier.port);
  await ready.next();
  expect(await connector.submit(submission)).toMatchObject({ kind: "unknown" });
});

test("without a bind nothing is in doubt, and the cause is told", async () => {
  const { connector } = startConnector(1, {}, {}, () => Promise.reject(new Error("no route")));
  expect(await connector.submit(submission)).toMatchObject({ kind: "unavailable" });
  expect(connector.freeSlots()).toBe(0);
  expect(connector.state()).toMatchObject({ phase: "reconnecting", cause: "no route" });
});

test("a connection lost is made again", async () => {
  const carrier = await startCarrier();
  const { connector, ready } = startConnector(carrier.port);
  await ready.next();
  (await carrier.binds.next()).socket.destroy();
  await carrier.binds.next();
  await ready.next();
  expect(await connector.submit(submission)).toMatchObject({ kind: "accepted" });
});

test.each([
  ["a wrong password", statuses.invalidPassword, 60_000],
  ["a bind that is still there", statuses.alreadyBound, 15_000],
  ["a carrier in trouble", statuses.systemError, 250],
])("after %s the next attempt waits", async (_why, status, waitMs) => {
  const carrier = await startCarrier();
  carrier.refuseBinds(status);
  const { connector } = startConnector(carrier.port);
  await carrier.binds.next();
  await waitUntil(() => connector.state().phase === "reconnecting");
  expect(connector.state()).toMatchObject({
    cause: expect.stringContaining(`0x${status.toString(16)}`),
    nextAttemptAt: new Date(Date.parse("2026-11-24T12:00:00Z") + waitMs),
  });
});

test("a receipt is acknowledged when it is durable, not before", async () => {
  const receipts = createQueue<Receipt>();
  let isDurable: () => void = () => undefined;
  const onReceipt = (_name: string, one: Receipt) => {
    receipts.add(one);
    return new Promise<void>((done) => {
      isDurable = done;
    });
  };
  const carrier = await startCarrier();
  const { ready } = startConnector(carrier.port, {}, { onReceipt });
  await ready.next();
  const { session } = await carrier.binds.next();
  let isAcknowledged = false;
  const answer = deliver(session, receipt).finally(() => {
    isAcknowledged = true;
  });
  expect(await receipts.next()).toMatchObject({ carrierMessageId: "m1", status: "delivered" });
  expect(isAcknowledged).toBe(false);
  isDurable();
  expect(await answer).toMatchObject({ command: "deliver_sm_resp", status: statuses.ok });
});

test("a receipt that could not be stored is asked for again", async () => {
  const carrier = await startCarrier();
  const onReceipt = () => Promise.reject(new Error("no database"));
  const { ready } = startConnector(carrier.port, {}, { onReceipt });
  await ready.next();
  const { session } = await carrier.binds.next();
  expect(await deliver(session, receipt)).toMatchObject({ status: statuses.temporaryAppError });
});

test("a receipt as data_sm counts like any other", async () => {
  const receipts = createQueue<Receipt>();
  const onReceipt = async (_name: string, one: Receipt) => receipts.add(one);
  const carrier = await startCarrier();
  const { ready } = startConnector(carrier.port, {}, { onReceipt });
  await ready.next();
  const { session } = await carrier.binds.next();
  const { shortMessage, ...rest } = receipt;
  const data = { ...rest, tlvs: new Map([[tlvs.message_payload, shortMessage]]) };
  const answer = new Promise((done) =>
    session.request({ ...data, command: "data_sm", status: 0, sequence: 0 }, done),
  );
  expect(await receipts.next()).toMatchObject({ carrierMessageId: "m1" });
  expect(await answer).toMatchObject({ command: "data_sm_resp", status: statuses.ok });
});

test("a text from a phone arrives with its sender", async () => {
  const texts = createQueue<InboundPart>();
  const onInbound = async (_name: string, part: InboundPart) => {
    texts.add(part);
    return () => undefined;
  };
  const carrier = await startCarrier();
  const { ready } = startConnector(carrier.port, {}, { onInbound });
  await ready.next();
  const { session } = await carrier.binds.next();
  const text = { ...emptyMessage, source: "15550101", dest: "15550100" };
  await deliver(session, { ...text, shortMessage: Buffer.from("STOP") });
  expect(await texts.next()).toEqual({
    ...{ sender: "15550101", recipient: "15550100", text: "STOP" },
    ...{ reference: 0, part: 1, total: 1 },
  });
});

test("a carrier that answers in hex and reports in decimal is understood after its first receipt", async () => {
  const receipts = createQueue<Receipt>();
  const onReceipt = async (_name: string, one: Receipt) => receipts.add(one);
  const carrier = await startCarrier((pdu, session) =>
    session.respond(pdu, statuses.ok, { messageId: "38601fa" }),
  );
  const { connector, ready } = startConnector(carrier.port, {}, { onReceipt });
  await ready.next();
  await connector.submit(submission);
  const { session } = await carrier.binds.next();
  const shortMessage = Buffer.from("id:0059113978 done date:2611241200 stat:DELIVRD");
  await deliver(session, { ...receipt, shortMessage });
  expect(await receipts.next()).toMatchObject({ carrierMessageId: "38601fa" });
});

test("a transmitter sends, a receiver hears, each on its own bind", async () => {
  const carrier = await startCarrier();
  const binds = [{ as: "transmitter" }, { as: "receiver" }];
  const { connector, ready } = startConnector(carrier.port, { binds });
  await ready.next();
  await ready.next();
  expect(connector.state()).toMatchObject({ window: 100 });
  expect(await connector.submit(submission)).toMatchObject({ kind: "accepted" });
  const names = [await carrier.binds.next(), await carrier.binds.next()];
  expect(names.map(({ bind }) => bind.command).sort()).toEqual([
    "bind_receiver",
    "bind_transmitter",
  ]);
});

test("two binds share the work, and what one loses unsent goes by the other at once", async () => {
  const carrier = await startCarrier();
  const sockets: Socket[] = [];
  const keepSocket = async (host: string, port: number) => {
    const socket = await dial(host, port);
    sockets.push(socket);
    return socket;
  };
  const { connector, ready } = startConnector(carrier.port, { binds: [{}, {}] }, {}, keepSocket);
  await ready.next();
  await ready.next();
  expect(connector.freeSlots()).toBe(200);
  const results = [1, 2, 3, 4].map(() => connector.submit(submission));
  sockets[0]?.destroy();
  const accepted = { kind: "accepted", carrierMessageId: "m1" };
  expect(await Promise.all(results)).toEqual([accepted, accepted, accepted, accepted]);
  expect(connector.freeSlots()).toBe(100);
});

test("with TLS nothing leaves in the clear, and a handshake that fails is tried again", async () => {
  const firstBytes = createQueue<Buffer>();
  const handshakeFailure = Buffer.from("15030300020228", "hex");
  const server = createServer((socket) => {
    socket.once("data", (bytes) => {
      firstBytes.add(bytes);
      socket.end(handshakeFailure);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closeLater(() => server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { connector } = startConnector(port, { tls: true });
  const bytes = await firstBytes.next();
  expect({ type: bytes[0], isClear: bytes.includes("secret") }).toEqual({
    ...{ type: 0x16, isClear: false },
  });
  await waitUntil(() => connector.state().phase === "reconnecting");
  expect(connector.state()).toMatchObject({ cause: expect.stringContaining("handshake") });
});

test("closing while the bind is still asked for leaves no session behind", async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closeLater(() => server.close());
  const address = server.address();
  const accepted = new Promise<Socket>((done) => server.once("connection", done));
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { connector } = startConnector(port);
  const socket = await accepted;
  const ended = new Promise((done) => socket.once("close", done));
  socket.resume();
  await connector.close();
  await ended;
  expect(connector.state()).toEqual({ phase: "stopped" });
});

test("closing unbinds and takes no more", async () => {
  const carrier = await startCarrier();
  const { connector, ready } = startConnector(carrier.port);
  await ready.next();
  const { socket } = await carrier.binds.next();
  const ended = new Promise((done) => socket.once("close", done));
  await connector.close();
  await ended;
  expect(connector.freeSlots()).toBe(0);
  expect(await connector.submit(submission)).toMatchObject({ kind: "unavailable" });
});
