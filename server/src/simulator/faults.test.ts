import { connect, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { makeCertificates } from "../../test/certificates.ts";
import { bindTo, startNetwork } from "../../test/gateway.ts";
import { createQueue } from "../../test/queue.ts";
import { closeAll, closeLater } from "../../test/smpp-carrier.ts";
import { encodePdu } from "../smpp/encode-pdu.ts";
import {
  commandNames,
  type DeliverSm,
  emptyMessage,
  type Pdu,
  type SubmitSm,
  statuses,
} from "../smpp/pdus.ts";
import { openSession } from "../smpp/session.ts";
import type { Simulator } from "./simulator.ts";

afterEach(closeAll);

const patient = { timeout: 20_000 };
const addresses = { source: "15005550100", sourceTon: 1, destTon: 1 };
const submitTo = (dest: string, sequence = 2): SubmitSm => ({
  ...{ ...emptyMessage, ...addresses, dest, command: "submit_sm", status: 0, sequence },
  shortMessage: Buffer.from("Hello"),
});

/** A bind that hears bytes: each PDU as `command status length`, then `closed` with what was left over. */
async function rawBind({ port }: Simulator, systemType = "") {
  const heard = createQueue<string>();
  const socket = connect({ port, host: "127.0.0.1" });
  closeLater(() => socket.destroy());
  let bytes = Buffer.alloc(0);
  let reads = 0;
  socket.on("data", (chunk) => {
    reads += 1;
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 16 && bytes.length >= bytes.readUInt32BE(0)) {
      const command = commandNames.get(bytes.readUInt32BE(4));
      heard.add(`${command} ${bytes.readUInt32BE(8)} ${bytes.readUInt32BE(0)}`);
      bytes = bytes.subarray(bytes.readUInt32BE(0));
    }
  });
  socket.on("close", () => heard.add(`closed ${bytes.length > 0 ? "within a PDU" : ""}`.trim()));
  const send = (pdu: Pdu) => socket.write(encodePdu(pdu));
  const login = { systemId: "simulator", password: "loopback", systemType, interfaceVersion: 0x34 };
  send({ ...login, command: "bind_transceiver", status: 0, sequence: 1 });
  expect(await heard.next()).toMatch(/^bind_transceiver_resp 0 /);
  reads = 0;
  return { send, heard, reads: () => reads };
}

const answered = expect.stringMatching(/^submit_sm_resp 0 33$/);

test.each([
  ["9904", "", [`submit_sm_resp ${statuses.invalidDestination} 17`]],
  ["9904", "bare", [`submit_sm_resp ${statuses.invalidDestination} 16`]],
  ["9938", "", [`submit_sm_resp ${statuses.submitFailed} 16`]],
  ["9928", "", ["closed within a PDU"]],
  ["9929", "", ["closed"]],
  ["9930", "", [`generic_nack ${statuses.systemError} 16`]],
  ["9931", "", [answered, "unbind 0 16"]],
  ["9932", "", [answered]],
  ["0123", "trickle", [answered]],
  ["0123", "9904", [`submit_sm_resp ${statuses.invalidDestination} 17`]],
  ["9928", "9904", ["closed within a PDU"]],
])(
  "a text to a number with %s, on a bind of the manners '%s', is answered as the page says",
  async (suffix, manners, expected) => {
    const gateway = await rawBind(await startNetwork(), manners);
    gateway.send(submitTo(`1202555${suffix}`));
    for (const one of expected) expect(await gateway.heard.next()).toEqual(one);
  },
);

test.each([
  ["9932", ""],
  ["0123", "trickle"],
])("an answer a byte at a time is read in many pieces (%s %s)", async (suffix, manners) => {
  const gateway = await rawBind(await startNetwork(), manners);
  gateway.send(submitTo(`1202555${suffix}`));
  await gateway.heard.next();
  expect(gateway.reads()).toBeGreaterThan(10);
});

test("a bind that has gone deaf answers submissions, and enquire_link no more", async () => {
  const gateway = await rawBind(await startNetwork());
  const ask = (sequence: number) => gateway.send({ command: "enquire_link", status: 0, sequence });
  ask(2);
  expect(await gateway.heard.next()).toBe("enquire_link_resp 0 16");
  gateway.send(submitTo("12025559933", 3));
  expect(await gateway.heard.next()).toEqual(answered);
  ask(4);
  gateway.send(submitTo("12025550123", 5));
  expect(await gateway.heard.next()).toEqual(answered);
});

test("a text whose answer is lost with the line arrives, one that is nacked does not", async () => {
  const simulator = await startNetwork();
  const gateway = await rawBind(simulator);
  gateway.send(submitTo("12025559930"));
  await gateway.heard.next();
  gateway.send(submitTo("12025559929", 3));
  await gateway.heard.next();
  expect(simulator.shown("+12025559929")).toHaveLength(1);
  expect(simulator.shown("+12025559930")).toEqual([]);
});

const idIn = (pdu: DeliverSm) => /^id:(\S+) /.exec(pdu.shortMessage.toString())?.[1] ?? "";

test.each([
  ["9935", (id: string) => BigInt(id).toString(16)],
  ["9936", (id: string) => expect.not.stringMatching(new RegExp(`^${id}$`))],
])("a receipt of a number with %s has another id than the answer", async (suffix, expected) => {
  const gateway = await bindTo(await startNetwork());
  const answer = await gateway.submit(`1202555${suffix}`);
  await expect.poll(() => gateway.heard.length, patient).toBe(2);
  const receipt = gateway.heard.find(({ command }) => command === "deliver_sm") as DeliverSm;
  expect(idIn(receipt)).toEqual(expected("messageId" in answer ? answer.messageId : ""));
});

test("a receipt may come on another bind, and on its own when there is no other", async () => {
  const simulator = await startNetwork();
  const first = await bindTo(simulator);
  await first.submit("12025559934");
  await expect.poll(() => first.heard.length, patient).toBe(2);
  const second = await bindTo(simulator);
  await first.submit("12025559934");
  await expect.poll(() => second.heard.length, patient).toBe(1);
  expect(first.heard).toHaveLength(3);
});

test("manners are chosen for the network, a bind, a system_id, and given back", async () => {
  const simulator = await startNetwork({ manners: "9904", systemId: "s" });
  const login = { systemId: "s" };
  const post = async (body: object) => {
    const url = `http://127.0.0.1:${simulator.httpPort}/manners`;
    return (await fetch(url, { method: "POST", body: JSON.stringify(body) })).status;
  };
  const statusOf = async ({ submit }: Awaited<ReturnType<typeof bindTo>>) => {
    const answer = await submit("12025550123");
    return "status" in answer ? answer.status : undefined;
  };
  const plain = await bindTo(simulator, login);
  const own = await bindTo(simulator, { systemId: "s:9920,hex" });
  expect(await statusOf(plain)).toBe(statuses.invalidDestination);
  expect(await statusOf(own)).toBe(statuses.permanentAppError);
  expect(await post({ names: "" })).toBe(200);
  expect(await statusOf(plain)).toBe(statuses.ok);
  expect(await statusOf(own)).toBe(statuses.permanentAppError);
  expect(await post({ names: "9938", bind: 1 })).toBe(200);
  expect(await statusOf(plain)).toBe(statuses.submitFailed);
  const binds = await fetch(`http://127.0.0.1:${simulator.httpPort}/binds`);
  expect(await binds.json()).toEqual([
    { bind: 1, as: "bind_transceiver", manners: "9938" },
    { bind: 2, as: "bind_transceiver", manners: "9920,hex" },
  ]);
  expect([await post({ names: "9938", bind: 9 }), await post({ names: "rude" })]).toEqual([
    400, 400,
  ]);
});

test("a gateway that listens is asked to bind, and binds on that connection", async () => {
  const simulator = await startNetwork();
  const seen = createQueue<Pdu>();
  const server = createServer((socket) => {
    const session = openSession(socket, {
      ...{ window: 10, enquireLinkMs: 60_000, responseTimeoutMs: 10_000, systemId: "gateway" },
      on: {
        onOther: (pdu) => {
          seen.add(pdu);
          const login = { systemId: "simulator", password: "loopback", systemType: "" };
          session.bind({ ...login, command: "bind_receiver", interfaceVersion: 0x34 }, () => {});
        },
        onDeliver: (pdu) => {
          seen.add(pdu);
          session.respond(pdu, statuses.ok);
        },
        onClose: () => undefined,
      },
    });
    closeLater(() => session.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closeLater(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const call = (body: object) =>
    fetch(`http://127.0.0.1:${simulator.httpPort}/outbind`, {
      ...{ method: "POST", body: JSON.stringify(body) },
    });
  expect((await call({ host: "127.0.0.1", port })).status).toBe(202);
  expect(await seen.next()).toMatchObject({ command: "outbind", systemId: "simulator" });
  simulator.inject({ from: "+12025550123", to: "+15005550100", body: "Hello" });
  expect(await seen.next()).toMatchObject({ command: "deliver_sm", source: "12025550123" });
  expect((await call({ host: "127.0.0.1" })).status).toBe(400);
});

const [certificate] = makeCertificates();
test.skipIf(certificate === undefined)(
  "with a certificate the network speaks TLS alone (needs openssl)",
  async () => {
    const { cert = "", key = "" } = certificate ?? {};
    const { port } = await startNetwork({ tls: { certificate: cert, key } });
    const bound = createQueue<string>();
    const bindOn = (socket: ReturnType<typeof connect>) => {
      const session = openSession(socket, {
        ...{ window: 10, enquireLinkMs: 60_000, responseTimeoutMs: 10_000, systemId: "gateway" },
        on: { onClose: () => bound.add("closed") },
      });
      closeLater(() => session.destroy());
      const login = { systemId: "simulator", password: "loopback", systemType: "" };
      session.bind({ ...login, command: "bind_receiver", interfaceVersion: 0x34 }, (answer) => {
        if ("status" in answer) bound.add(`bound ${answer.status}`);
      });
    };
    bindOn(connectTls({ port, host: "127.0.0.1", servername: "localhost", ca: cert }));
    expect(await bound.next()).toBe("bound 0");
    bindOn(connect({ port, host: "127.0.0.1" }));
    expect(await bound.next()).toBe("closed");
  },
);
