import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as openSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "vitest";
import type { Submission } from "../../src/connectors/connector.ts";
import { parseSmppSettings } from "../../src/connectors/smpp/settings.ts";
import { createSmppConnector } from "../../src/connectors/smpp/smpp-connector.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { encodePdu } from "../../src/smpp/encode-pdu.ts";
import { layouts } from "../../src/smpp/layouts.ts";
import { type CommandName, commands, type Pdu, responseTo, tlvs } from "../../src/smpp/pdus.ts";
import { createQueue } from "../queue.ts";
import { pcapOf, type Written } from "./pcap.ts";
import { pathOf } from "./program.ts";

const tshark = pathOf("tshark");
const patient = { timeout: 60_000 };
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** What Wireshark's dissector reads: the names of the PDUs, and those it finds malformed. */
async function dissect(written: readonly Written[]) {
  const folder = await mkdtemp(join(tmpdir(), "longwave-pcap-"));
  closers.push(() => rm(folder, { recursive: true }));
  const file = join(folder, "smpp.pcap");
  await writeFile(file, pcapOf(written));
  const read = async (...args: string[]) => {
    const all = ["-n", "-r", file, "-d", "tcp.port==2775,smpp", ...args];
    const { stdout } = await promisify(execFile)(tshark ?? "", all, { maxBuffer: 64 * 1_048_576 });
    return stdout.split("\n").filter((line) => line !== "");
  };
  const ids = await read("-T", "fields", "-e", "smpp.command_id");
  return {
    ids: ids.flatMap((line) => line.split(",").map(Number)),
    malformed: await read("-Y", "_ws.malformed or _ws.unreassembled"),
  };
}

test.skipIf(tshark === undefined)(
  "Wireshark reads our connector and our SMSC as both meant it (needs tshark)",
  patient,
  async () => {
    const written = await recordConversation();
    const { ids, malformed } = await dissect(written);
    expect(malformed).toEqual([]);
    const bind = [commands.bind_transceiver, commands.bind_transceiver_resp];
    const submits = Array(4).fill(commands.submit_sm);
    expect(new Set(ids)).toEqual(
      new Set([
        ...[...bind, ...submits, commands.submit_sm_resp, commands.deliver_sm],
        ...[commands.deliver_sm_resp, commands.unbind, commands.unbind_resp],
      ]),
    );
    expect(ids.filter((id) => id === commands.submit_sm)).toHaveLength(submits.length);
  },
);

/** Texts in all our forms over one bind, their receipts and a phone's answer. */
async function recordConversation(): Promise<Written[]> {
  const simulator = await startSimulator({
    ...{ port: 0, httpPort: 0, seed: 1, receiptDelayMs: 0, clock: systemClock },
  });
  closers.push(simulator.close);
  const written: Written[] = [];
  const account = { systemId: "simulator", password: "loopback" };
  const ready = createQueue<string>();
  const told = createQueue<unknown>();
  const connector = createSmppConnector({
    ...{ name: "acme", carrierAccount: "acme", isSimulated: false, optOutsUpstream: false },
    settings: parseSmppSettings({ host: "127.0.0.1", port: simulator.port, ...account }),
    ...{ clock: systemClock, random: Math.random },
    connectSocket: async (host, port) => recorded(await dial(host, port), written),
    events: {
      onReceipt: async (_name, receipt) => told.add(receipt),
      onInbound: async (_name, part) => {
        told.add(part);
        return () => undefined;
      },
      onReady: ready.add,
    },
  });
  await ready.next();
  const submission: Submission = {
    ...{ id: 1n, part: 1, parts: 1, attempt: 1, sender: "+15005550100", recipient: "+12025550123" },
    ...{ encoding: "GSM-7", text: "Grüße {€}", reference: 7, validUntil: new Date(4e12) },
  };
  await Promise.all([
    connector.submit(submission),
    connector.submit({ ...submission, encoding: "UCS-2", text: "🎉", isFlash: true }),
    connector.submit({ ...submission, part: 1, parts: 2 }),
    connector.submit({ ...submission, part: 2, parts: 2, recipient: "+12025559911" }),
  ]);
  for (let receipt = 0; receipt < 4; receipt += 1) await told.next();
  simulator.inject({
    from: "+12025550123",
    to: "+15005550100",
    body: "A long answer. ".repeat(20),
  });
  await told.next();
  await connector.close();
  return written;
}

function dial(host: string, port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = openSocket(port, host, () => done(socket));
    socket.once("error", fail);
  });
}

/** Keeps what goes over a client's socket, both ways. */
function recorded(socket: Socket, written: Written[]): Socket {
  const write = socket.write.bind(socket);
  socket.write = ((bytes: Buffer, ...rest: []) => {
    written.push({ by: "client", bytes: Buffer.from(bytes) });
    return write(bytes, ...rest);
  }) as Socket["write"];
  socket.on("data", (bytes: Buffer) => written.push({ by: "server", bytes: Buffer.from(bytes) }));
  return socket;
}

test.skipIf(tshark === undefined)(
  "Wireshark finds nothing malformed in any PDU and TLV that we write (needs tshark)",
  patient,
  async () => {
    const written = (Object.keys(commands) as CommandName[]).map((command): Written => {
      const isRequest = responseTo(command) !== undefined;
      return { by: isRequest ? "client" : "server", bytes: encodePdu(samplePdu(command)) };
    });
    const { ids, malformed } = await dissect(written);
    expect(malformed).toEqual([]);
    expect(ids).toEqual(Object.values(commands));
  },
);

/** A PDU of which every field says something, and that has every TLV of the specification. */
function samplePdu(command: CommandName): Pdu {
  const address = { ton: 1, npi: 1, address: "15550101" };
  const values = {
    ...{ text: "15550100", byte: 1, octets: Buffer.from("Hello") },
    tlvs: new Map(Object.values(tlvs).map((tag) => [tag, sampleTlv(tag)])),
    destinations: [
      { kind: "address", ...address },
      { kind: "list", name: "friends" },
    ],
    unsuccesses: [{ ...address, status: 11 }],
  };
  const fields = layouts[command].map(([name, kind]) => [
    name,
    /Time$|Period$|Date$/.test(name) ? "261124120000000+" : values[kind],
  ]);
  return { command, status: 0, sequence: 1, ...Object.fromEntries(fields) } as Pdu;
}

/** Lengths of section 5.3.2; most are one octet. */
const tlvOctets: Readonly<Record<number, number>> = {
  ...{ [tlvs.dest_telematics_id]: 2, [tlvs.qos_time_to_live]: 4, [tlvs.source_subaddress]: 4 },
  ...{ [tlvs.dest_subaddress]: 4, [tlvs.user_message_reference]: 2, [tlvs.source_port]: 2 },
  ...{ [tlvs.destination_port]: 2, [tlvs.sar_msg_ref_num]: 2, [tlvs.callback_num]: 10 },
  ...{ [tlvs.network_error_code]: 3, [tlvs.billing_identification]: 5, [tlvs.sms_signal]: 2 },
  ...{ [tlvs.alert_on_message_delivery]: 0, [tlvs.its_session_info]: 2 },
};

function sampleTlv(tag: number): Buffer {
  if (tag === tlvs.receipted_message_id || tag === tlvs.additional_status_info_text) {
    return Buffer.from("m1\0");
  }
  return Buffer.alloc(tlvOctets[tag] ?? 1, 1);
}
