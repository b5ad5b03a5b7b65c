/**
 * Submit/response pairs a second over one bind on loopback, with and without receipts, ours, also with
 * the trace that connectors keep (`traced`), against the npm package `smpp`, each end a process of its own:
 * node scripts/run-bench.js smpp [window]. Where `taskset` is
 * at hand, each end has one core.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { parseSmppSettings } from "../server/src/connectors/smpp/settings.ts";
import { createTrace } from "../server/src/connectors/smpp/trace.ts";
import { systemClock } from "../server/src/lib/clock.ts";
import { emptyMessage, type ShortMessage, statuses } from "../server/src/smpp/pdus.ts";
import { openSession, type SessionEvents, type SmppSession } from "../server/src/smpp/session.ts";

const [, file = "", role = "", ...rest] = process.argv;
const SECONDS = 5;
const WARM_UP_SECONDS = 1;
const TEXT = "Your Longwave code is 483920. It works for ten minutes only.";
const login = { systemId: "bench", password: "bench", systemType: "", interfaceVersion: 0x34 };
const timers = { enquireLinkMs: 30_000, responseTimeoutMs: 30_000, systemId: "bench" };

type Result = { pairs: number; seconds: number; cpuMicros: number };
/** The package, which has no types, as far as it is used here. */
type Fields = Record<string, unknown>;
type PackagePdu = {
  source_addr: string;
  destination_addr: string;
  response: (fields?: Fields) => Fields;
};
type PackageSession = {
  on: (event: string, listener: (pdu: PackagePdu) => void) => void;
  send: (pdu: Fields) => void;
  deliver_sm: (fields: Fields) => void;
  submit_sm: (fields: Fields, onAnswer: () => void) => void;
  bind_transceiver: (fields: Fields, onAnswer: () => void) => void;
};
type Package = {
  createServer: (onSession: (session: PackageSession) => void) => Server;
  connect: (options: { url: string }) => PackageSession;
};

const ends: Record<string, () => void> = {
  "server-longwave": serveLongwave,
  "client-longwave": () => driveLongwave(undefined),
  "server-traced": serveLongwave,
  "client-traced": driveTraced,
  "server-smpp": servePackage,
  "client-smpp": drivePackage,
};
const [portOrReceipts = "0", windowSize = "100", withReceipts = "0"] = rest;
const start = ends[role];
if (start === undefined) await measure();
else start();

async function measure(): Promise<void> {
  for (const receipts of [false, true]) {
    for (const window of role === "" ? [1, 10, 100] : [Number(role)]) {
      for (const name of ["smpp", "longwave", "traced"]) {
        const { pairs, seconds, client, server } = await run(name, window, receipts);
        const micros = (cpu: number) => (cpu / pairs).toFixed(1);
        const what = receipts ? "with a receipt each" : "without receipts";
        console.log(
          `${name}, window ${window}, ${what}: ${Math.round(pairs / seconds).toLocaleString("en")} a second, CPU ${micros(client)} + ${micros(server)} µs a message`,
        );
      }
    }
  }
}

async function run(name: string, window: number, receipts: boolean) {
  const server = startEnd(1, [`server-${name}`, receipts ? "1" : "0"]);
  const port = await nextMessage<number>(server);
  const args = [`client-${name}`, String(port), String(window), receipts ? "1" : "0"];
  const client = startEnd(0, args);
  const isWarm = await nextMessage<string>(client);
  server.send(isWarm);
  const result = await nextMessage<Result>(client);
  server.send("end");
  const { cpuMicros } = await nextMessage<{ cpuMicros: number }>(server);
  client.kill();
  server.kill();
  return { ...result, client: result.cpuMicros, server: cpuMicros };
}

function startEnd(core: number, args: readonly string[]): ChildProcess {
  const stdio: ["inherit", "inherit", "inherit", "ipc"] = ["inherit", "inherit", "inherit", "ipc"];
  const command = [process.execPath, file, ...args];
  if (process.platform !== "linux") return spawn(process.execPath, command.slice(1), { stdio });
  return spawn("taskset", ["-c", String(core), ...command], { stdio });
}

function nextMessage<Message>(end: ChildProcess): Promise<Message> {
  return new Promise((done) => end.once("message", (message) => done(message as Message)));
}

function tell(message: unknown): void {
  process.send?.(message);
}

/** The server's CPU between the client's "warm" and "end". */
function tellCpu(): void {
  let before = process.cpuUsage();
  process.on("message", (word) => {
    if (word === "warm") before = process.cpuUsage();
    if (word === "end") tell({ cpuMicros: cpuSince(before) });
  });
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Counts what is whole: answered, and with receipts also told. */
function createCount() {
  let whole = 0;
  setTimeout(() => {
    tell("warm");
    const [first, at, cpu] = [whole, performance.now(), process.cpuUsage()];
    setTimeout(() => {
      const seconds = (performance.now() - at) / 1000;
      tell({ pairs: whole - first, seconds, cpuMicros: cpuSince(cpu) } satisfies Result);
    }, SECONDS * 1000);
  }, WARM_UP_SECONDS * 1000);
  return () => {
    whole += 1;
  };
}

function receiptText(id: string): string {
  return `id:${id} sub:001 dlvrd:001 submit date:2611241200 done date:2611241200 stat:DELIVRD err:000 text:`;
}

function serveLongwave(): void {
  const receipts = portOrReceipts === "1";
  tellCpu();
  let count = 0;
  const server = createServer((socket) => {
    const session: SmppSession = openSession(socket, {
      ...{ ...timers, window: 1_000 },
      on: {
        onBind: () => statuses.ok,
        onSubmit: (pdu) => {
          count += 1;
          const messageId = String(count);
          session.respond(pdu, statuses.ok, { messageId });
          if (!receipts) return;
          const shortMessage = Buffer.from(receiptText(messageId), "latin1");
          const { source: dest, dest: source } = pdu;
          session.deliver({ ...emptyMessage, source, dest, esmClass: 4, shortMessage }, nothing);
        },
        onClose: nothing,
      },
    });
  });
  server.listen(0, "127.0.0.1", () => tell((server.address() as AddressInfo).port));
}

function nothing(): void {}

function driveTraced(): void {
  const account = { host: "127.0.0.1", port: Number(portOrReceipts), ...login };
  const trace = createTrace({ clock: systemClock, settings: parseSmppSettings(account) });
  driveLongwave(trace.ofBind("1 transceiver"));
}

function driveLongwave(onPdu: SessionEvents["onPdu"]): void {
  const socket = connect(Number(portOrReceipts), "127.0.0.1");
  const isWhole = createCount();
  const session = openSession(socket, {
    ...{ ...timers, window: Number(windowSize) },
    on: {
      onDeliver: (pdu) => {
        session.respond(pdu, statuses.ok);
        isWhole();
        next();
      },
      ...(onPdu && { onPdu }),
      onClose: nothing,
    },
  });
  const shortMessage = Buffer.from(TEXT, "latin1");
  let count = 0;
  const next = () => {
    count += 1;
    const message: ShortMessage = {
      ...{ ...emptyMessage, sourceTon: 1, sourceNpi: 1, source: "15550100", destTon: 1 },
      ...{ destNpi: 1, dest: String(15_550_000_000 + (count % 1_000_000)), shortMessage },
      registeredDelivery: withReceipts === "1" ? 1 : 0,
    };
    session.submit(message, onAnswer);
  };
  const onAnswer = () => {
    if (withReceipts === "1") return;
    isWhole();
    next();
  };
  session.bind({ command: "bind_transceiver", ...login }, () => {
    for (let slot = 0; slot < Number(windowSize); slot += 1) next();
  });
}

function servePackage(): void {
  const smpp = createRequire(import.meta.url)("smpp") as Package;
  const receipts = portOrReceipts === "1";
  tellCpu();
  let count = 0;
  const server = smpp.createServer((session) => {
    const accept = (pdu: PackagePdu) => session.send(pdu.response());
    session.on("bind_transceiver", accept);
    session.on("submit_sm", (pdu) => {
      count += 1;
      session.send(pdu.response({ message_id: String(count) }));
      if (!receipts) return;
      session.deliver_sm({
        ...{ source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4 },
        short_message: receiptText(String(count)),
      });
    });
  });
  server.listen(0, "127.0.0.1", () => tell((server.address() as AddressInfo).port));
}

function drivePackage(): void {
  const smpp = createRequire(import.meta.url)("smpp") as Package;
  const session = smpp.connect({ url: `smpp://127.0.0.1:${portOrReceipts}` });
  const isWhole = createCount();
  let count = 0;
  const next = () => {
    count += 1;
    session.submit_sm(
      {
        ...{ source_addr_ton: 1, source_addr_npi: 1, source_addr: "15550100" },
        ...{ dest_addr_ton: 1, dest_addr_npi: 1, short_message: TEXT },
        destination_addr: String(15_550_000_000 + (count % 1_000_000)),
        registered_delivery: withReceipts === "1" ? 1 : 0,
      },
      () => {
        if (withReceipts === "1") return;
        isWhole();
        next();
      },
    );
  };
  session.on("deliver_sm", (pdu) => {
    session.send(pdu.response());
    isWhole();
    next();
  });
  session.bind_transceiver({ system_id: "bench", password: "bench" }, () => {
    for (let slot = 0; slot < Number(windowSize); slot += 1) next();
  });
}
