import { createServer, connect as openSocket, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { InboundPart, Receipt, Submission } from "../../src/connectors/connector.ts";
import { parseSmppSettings } from "../../src/connectors/smpp/settings.ts";
import { createSmppConnector } from "../../src/connectors/smpp/smpp-connector.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { type Pdu, statuses } from "../../src/smpp/pdus.ts";
import { type OtherRequest, openSession, type SmppSession } from "../../src/smpp/session.ts";
import { createQueue } from "../queue.ts";
import { type PackagePdu, type PackageSession, smppPackage } from "./smpp-package.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The package as a carrier that gives its ids in hexadecimal. */
async function startPackageServer() {
  const sessions = createQueue<PackageSession>();
  const submits = createQueue<PackagePdu>();
  let count = 0x38601f9;
  const server = smppPackage.createServer({}, (session) => {
    session.on("error", () => undefined);
    session.on("bind_transceiver", (pdu) => {
      session.send(pdu.response({ system_id: "package" }));
      sessions.add(session);
    });
    session.on("enquire_link", (pdu) => session.send(pdu.response()));
    session.on("unbind", (pdu) => session.send(pdu.response()));
    session.on("submit_sm", (pdu) => {
      count += 1;
      submits.add(pdu);
      session.send(pdu.response({ message_id: count.toString(16) }));
    });
    closers.push(() => session.destroy());
  });
  const port = await listen(server);
  closers.push(() => server.close());
  return { port, sessions, submits };
}

async function startConnector(port: number, settings: object = {}) {
  const ready = createQueue<string>();
  const receipts = createQueue<Receipt>();
  const texts = createQueue<InboundPart>();
  const account = { host: "127.0.0.1", port, systemId: "us", password: "secret" };
  const connector = createSmppConnector({
    ...{ name: "acme", carrierAccount: "acme", isSimulated: false, optOutsUpstream: false },
    settings: parseSmppSettings({ ...account, ...settings }),
    ...{ clock: systemClock, random: Math.random, connectSocket: dial },
    events: {
      onReceipt: async (_name, receipt) => receipts.add(receipt),
      onInbound: async (_name, part) => {
        texts.add(part);
        return () => undefined;
      },
      onReady: ready.add,
    },
  });
  closers.push(connector.close);
  await ready.next();
  return { connector, receipts, texts };
}

function dial(host: string, port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = openSocket(port, host, () => done(socket));
    socket.once("error", fail);
  });
}

const submission: Submission = {
  ...{ id: 1n, part: 1, parts: 1, attempt: 1, sender: "+15550100", recipient: "+15550101" },
  ...{ encoding: "GSM-7", text: "Price: 5 € {net}", reference: 7 },
  validUntil: new Date("2027-11-24T13:00:00Z"),
};

test("npm smpp's server understands our connector: texts, parts, times, ids", async () => {
  const carrier = await startPackageServer();
  const { connector } = await startConnector(carrier.port);
  expect(await connector.submit(submission)).toEqual({
    ...{ kind: "accepted", carrierMessageId: "38601fa" },
  });
  expect(await carrier.submits.next()).toMatchObject({
    ...{ source_addr: "15550100", destination_addr: "15550101", registered_delivery: 1 },
    ...{ validity_period: submission.validUntil, short_message: { message: "Price: 5 € {net}" } },
  });
  const part = { ...submission, encoding: "UCS-2", text: "Zdravím 🎉", part: 2, parts: 3 } as const;
  await connector.submit(part);
  expect(await carrier.submits.next()).toMatchObject({
    data_coding: 8,
    short_message: { message: "Zdravím 🎉", udh: [Buffer.from([0, 3, 7, 3, 2])] },
  });
});

test("npm smpp's server reads a whole long text in one message_payload", async () => {
  const carrier = await startPackageServer();
  const { connector } = await startConnector(carrier.port, { concatenation: "payload" });
  expect(connector.takesWholeTexts).toBe(true);
  const text = "Zdravím 🎉 ".repeat(30);
  expect(await connector.submit({ ...submission, encoding: "UCS-2", text })).toMatchObject({
    ...{ kind: "accepted", carrierMessageId: "38601fa" },
  });
  expect(await carrier.submits.next()).toMatchObject({
    ...{ data_coding: 8, esm_class: 0, message_payload: { message: text } },
  });
});

test("npm smpp's receipts and texts are read, with decimal ids for hexadecimal ones", async () => {
  const carrier = await startPackageServer();
  const { connector, receipts, texts } = await startConnector(carrier.port);
  await connector.submit(submission);
  const session = await carrier.sessions.next();
  const answers = createQueue<PackagePdu>();
  const addresses = { source_addr: "15550101", destination_addr: "15550100" };
  session.deliver_sm(
    {
      ...{ ...addresses, esm_class: 4 },
      short_message:
        "id:0059113978 sub:001 dlvrd:001 submit date:2611241200 done date:2611241201 stat:DELIVRD err:000 text:",
    },
    answers.add,
  );
  expect(await receipts.next()).toMatchObject({ carrierMessageId: "38601fa", status: "delivered" });
  expect(await answers.next()).toMatchObject({ command: "deliver_sm_resp", command_status: 0 });
  session.deliver_sm({ ...addresses, short_message: "Ça va? €" }, answers.add);
  expect(await texts.next()).toMatchObject({ sender: "15550101", text: "Ça va? €" });
  const udh = Buffer.from("0500037f0201", "hex");
  session.deliver_sm({ ...addresses, short_message: { udh, message: "Long" } }, answers.add);
  expect(await texts.next()).toMatchObject({ text: "Long", reference: 0x7f, part: 1, total: 2 });
});

test("npm smpp's client is served by our SMSC: bind, ids, receipts, unbind", async () => {
  const simulator = await startSimulator({
    ...{ port: 0, httpPort: 0, seed: 1, receiptDelayMs: 0, clock: systemClock },
  });
  closers.push(simulator.close);
  const session = await connectPackage(simulator.port);
  const answers = createQueue<PackagePdu>();
  const receipts = createQueue<PackagePdu>();
  session.on("deliver_sm", (pdu) => {
    receipts.add(pdu);
    session.send(pdu.response());
  });
  const login = { system_id: "simulator", password: "wrong" };
  session.bind_transceiver(login, answers.add);
  expect(await answers.next()).toMatchObject({ command_status: statuses.invalidPassword });
  session.bind_transceiver({ ...login, password: "loopback" }, answers.add);
  expect(await answers.next()).toMatchObject({
    command_status: 0,
    system_id: "longwave",
  });
  const shown = simulator.nextText();
  session.submit_sm(
    {
      ...{ source_addr: "15005550100", source_addr_ton: 1, destination_addr: "12025550123" },
      ...{ dest_addr_ton: 1, registered_delivery: 1, short_message: "¿Qué tal? €" },
    },
    answers.add,
  );
  const { message_id: id } = await answers.next();
  expect(await receipts.next()).toMatchObject({
    ...{ esm_class: 4, receipted_message_id: id, message_state: 2 },
    short_message: { message: expect.stringContaining(`id:${id} `) },
  });
  expect((await shown).body).toBe("¿Qué tal? €");
  session.enquire_link({}, answers.add);
  expect(await answers.next()).toMatchObject({ command: "enquire_link_resp" });
  session.unbind({}, answers.add);
  expect(await answers.next()).toMatchObject({ command: "unbind_resp", command_status: 0 });
});

async function connectPackage(port: number): Promise<PackageSession> {
  const session = await new Promise<PackageSession>((done) => {
    const opened = smppPackage.connect({ url: `smpp://127.0.0.1:${port}` }, () => done(opened));
  });
  session.on("error", () => undefined);
  closers.push(() => session.destroy());
  return session;
}

/** Every other request of 3.4 as the package writes it, and an answer of ours for it to read. */
const others: Record<string, { sent: object; heard: object; answer: object; read: object }> = {
  query_sm: {
    sent: { message_id: "m1", source_addr: "1555" },
    heard: { messageId: "m1", source: "1555" },
    answer: { messageId: "m1", finalDate: "261124120000000+", messageState: 2, errorCode: 9 },
    read: {
      ...{ message_id: "m1", message_state: 2, error_code: 9 },
      final_date: new Date("2026-11-24T12:00:00Z"),
    },
  },
  cancel_sm: {
    sent: { service_type: "OTP", message_id: "m1", source_addr: "1555", destination_addr: "1666" },
    heard: { serviceType: "OTP", messageId: "m1", source: "1555", dest: "1666" },
    ...{ answer: {}, read: { command_status: 0 } },
  },
  replace_sm: {
    sent: { message_id: "m1", source_addr: "1555", short_message: "New" },
    heard: { messageId: "m1", source: "1555", shortMessage: Buffer.from("New") },
    ...{ answer: {}, read: { command_status: 0 } },
  },
  submit_multi: {
    sent: {
      dest_address: [
        { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "1666" },
        { dl_name: "friends" },
      ],
      short_message: "All",
    },
    heard: {
      destinations: [
        { kind: "address", ton: 1, npi: 1, address: "1666" },
        { kind: "list", name: "friends" },
      ],
      shortMessage: Buffer.from("All"),
    },
    answer: { messageId: "m2", unsuccesses: [{ ton: 1, npi: 1, address: "1666", status: 11 }] },
    read: {
      message_id: "m2",
      unsuccess_sme: [
        {
          ...{ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: "1666" },
          error_status_code: 11,
        },
      ],
    },
  },
  data_sm: {
    sent: { source_addr: "1555", destination_addr: "1666", message_payload: { message: "Data" } },
    heard: { source: "1555", dest: "1666", tlvs: new Map([[0x0424, Buffer.from("Data")]]) },
    answer: { messageId: "m3", tlvs: new Map([[0x0425, Buffer.from([1])]]) },
    read: { message_id: "m3", delivery_failure_reason: 1 },
  },
};

test.each(Object.keys(others))("npm smpp's %s is read, and our answer by it", async (command) => {
  const { sent, heard, answer, read } = others[command] ?? { sent: {}, heard: {}, answer: {} };
  const requests = createQueue<OtherRequest>();
  const server = createServer((socket) => {
    const session: SmppSession = openSession(socket, {
      ...{ window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 5_000, systemId: "us" },
      on: {
        onBind: () => statuses.ok,
        onOther: (pdu) => {
          requests.add(pdu);
          const { sequence } = pdu;
          session.reply({ command: `${command}_resp`, status: 0, sequence, ...answer } as Pdu);
        },
        onClose: () => undefined,
      },
    });
    closers.push(() => session.destroy());
  });
  closers.push(() => server.close());
  const session = await connectPackage(await listen(server));
  const answers = createQueue<PackagePdu>();
  session.bind_transceiver({ system_id: "us", password: "secret" }, answers.add);
  await answers.next();
  session[command as keyof typeof others & keyof PackageSession](sent as never, answers.add);
  expect(await requests.next()).toMatchObject({ command, ...heard });
  expect(await answers.next()).toMatchObject({ command: `${command}_resp`, ...read });
});
