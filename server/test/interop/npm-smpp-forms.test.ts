import { connect as openSocket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { InboundPart } from "../../src/connectors/connector.ts";
import { emptyMessage, type ShortMessage, type SubmitSm, statuses } from "../../src/smpp/pdus.ts";
import { openSession, type SmppSession } from "../../src/smpp/session.ts";
import { makeCertificates } from "../certificates.ts";
import { startNetwork } from "../gateway.ts";
import { createQueue } from "../queue.ts";
import { closeAll, closeLater, startCarrier, startConnector, submission } from "../smpp-carrier.ts";
import { type PackagePdu, type PackageSession, smppPackage } from "./smpp-package.ts";

afterEach(closeAll);

/** The package as a carrier: what it read, and the session to bring texts by. */
async function startPackageServer(options: { key?: string; cert?: string } = {}) {
  const sessions = createQueue<PackageSession>();
  const submits = createQueue<PackagePdu>();
  const server = smppPackage.createServer(options, (session) => {
    session.on("error", () => undefined);
    session.on("bind_transceiver", (pdu) => {
      session.send(pdu.response({ system_id: "package" }));
      sessions.add(session);
    });
    session.on("unbind", (pdu) => session.send(pdu.response()));
    session.on("submit_sm", (pdu) => {
      submits.add(pdu);
      session.send(pdu.response({ message_id: "1" }));
    });
    closeLater(() => session.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closeLater(() => server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, sessions, submits };
}

async function connectPackage(url: string, options: object = {}): Promise<PackageSession> {
  const session = await new Promise<PackageSession>((done) => {
    const opened = smppPackage.connect({ url, ...options }, () => done(opened));
  });
  session.on("error", () => undefined);
  closeLater(() => session.destroy());
  return session;
}

/** A WAP push to port 2948, in the second of two parts: 8-bit data behind a header. */
const header = Buffer.from("0b05040b8423f00003070202", "hex");
const octets = Buffer.from("ae06010600ff0d1b", "hex");
const wap: ShortMessage = {
  ...{ ...emptyMessage, source: "15550100", dest: "15550101" },
  ...{ dataCoding: 0xf5, esmClass: 0x40, shortMessage: Buffer.concat([header, octets]) },
};
const wapElements = [Buffer.from("05040b8423f0", "hex"), Buffer.from("0003070202", "hex")];

test("binary with a header of ports and parts goes to npm smpp whole, as a gateway and as a carrier", async () => {
  const carrier = await startPackageServer();
  const socket = openSocket(carrier.port, "127.0.0.1");
  const ours: SmppSession = openSession(socket, {
    ...{ window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 20_000, systemId: "us" },
    on: { onClose: () => undefined },
  });
  closeLater(() => ours.destroy());
  const login = { systemId: "us", password: "secret", systemType: "", interfaceVersion: 0x34 };
  await new Promise((done) => ours.bind({ ...login, command: "bind_transceiver" }, done));
  ours.submit(wap, () => undefined);
  expect(await carrier.submits.next()).toMatchObject({
    ...{ data_coding: 0xf5, esm_class: 0x40 },
    short_message: { udh: wapElements, message: octets },
  });

  const smsc = await startCarrier();
  const client = await connectPackage(`smpp://127.0.0.1:${smsc.port}`);
  const heard = createQueue<PackagePdu>();
  client.on("deliver_sm", heard.add);
  client.bind_transceiver({ system_id: "us", password: "secret" });
  const { session } = await smsc.binds.next();
  session.deliver(wap, () => undefined);
  expect(await heard.next()).toMatchObject({
    short_message: { udh: wapElements, message: octets },
  });
});

test("binary with a header comes from npm smpp whole, octet by octet", async () => {
  const smsc = await startCarrier();
  const client = await connectPackage(`smpp://127.0.0.1:${smsc.port}`);
  client.bind_transceiver({ system_id: "us", password: "secret" });
  await smsc.binds.next();
  client.submit_sm({
    ...{ source_addr: "15550100", destination_addr: "15550101", data_coding: 0xf5 },
    short_message: { udh: header, message: octets },
  });
  const read: SubmitSm = await smsc.submits.next();
  expect(read).toMatchObject({ dataCoding: 0xf5, esmClass: 0x40, shortMessage: wap.shortMessage });
});

const text = { source_addr: "15550101", destination_addr: "15550100" };
test.each<[string, object, Partial<InboundPart>]>([
  [
    "a reference of 16 bits",
    { short_message: { udh: Buffer.from("06080401070202", "hex"), message: "Hi" } },
    { text: "Hi", reference: 0x107, part: 2, total: 2 },
  ],
  [
    "SAR TLVs",
    {
      ...{ sar_msg_ref_num: 0x1234, sar_total_segments: 3, sar_segment_seqnum: 2 },
      short_message: "Hi",
    },
    { text: "Hi", reference: 0x1234, part: 2, total: 3 },
  ],
  [
    "message_payload",
    { message_payload: "Long. ".repeat(60) },
    { text: "Long. ".repeat(60), part: 1, total: 1 },
  ],
  [
    "binary",
    { data_coding: 4, short_message: Buffer.from("00ff1b", "hex") },
    { text: "00ff1b", total: 1 },
  ],
  ["UCS-2", { data_coding: 8, short_message: "Zdravím 🎉" }, { text: "Zdravím 🎉" }],
])("npm smpp's text in %s is read by our connector", async (_form, fields, expected) => {
  const carrier = await startPackageServer();
  const texts = createQueue<InboundPart>();
  startConnector(
    carrier.port,
    {},
    {
      onInbound: async (_name, part) => {
        texts.add(part);
        return () => undefined;
      },
    },
  );
  const session = await carrier.sessions.next();
  session.deliver_sm({ ...text, ...fields });
  expect(await texts.next()).toMatchObject(expected);
});

const [certificate] = makeCertificates();
test.skipIf(certificate === undefined)(
  "with npm smpp over TLS a text goes out, in both roles (needs openssl)",
  async () => {
    const { cert = "", key = "" } = certificate ?? {};
    const carrier = await startPackageServer({ cert, key });
    const tls = { tls: true, host: "localhost", ca: cert };
    const { connector, ready } = startConnector(carrier.port, tls, {}, (_host, port) =>
      Promise.resolve(openSocket(port, "127.0.0.1")),
    );
    await ready.next();
    expect(await connector.submit(submission)).toMatchObject({ kind: "accepted" });
    expect(await carrier.submits.next()).toMatchObject({ short_message: { message: "Hello" } });

    const simulator = await startNetwork({ tls: { certificate: cert, key } });
    const client = await connectPackage(`ssmpp://127.0.0.1:${simulator.port}`, {
      ...{ ca: cert, servername: "localhost" },
    });
    const answers = createQueue<PackagePdu>();
    client.bind_transceiver({ system_id: "simulator", password: "loopback" }, answers.add);
    expect(await answers.next()).toMatchObject({ command_status: statuses.ok });
    const addresses = { source_addr: "15005550100", destination_addr: "12025550123" };
    client.submit_sm({ ...addresses, dest_addr_ton: 1, short_message: "Over TLS" }, answers.add);
    expect(await answers.next()).toMatchObject({ command_status: statuses.ok });
    expect(simulator.shown("+12025550123")[0]?.body).toBe("Over TLS");
  },
);
