import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cpuOf, memoryMbOf, mostMemoryMbOf } from "./cpu.js";
import { closedPort } from "./longwave.js";
import { startProgram } from "./processes.js";

const FOLDERS = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
const START_MS_MAX = 30_000;
/** It waits for its queue, which is to be thrown away. */
const STOP_MS_MAX = 3_000;
/** 1 delivered, 2 not delivered, 8 accepted by the carrier, 16 refused by it. */
const CALLBACKS = 1 + 2 + 8 + 16;

/** What of Kannel is not installed, as a sentence; nothing when all is there. */
export function missingOfKannel() {
  const missing = ["bearerbox", "smsbox"].filter((name) => pathOf(name) === undefined);
  if (missing.length === 0) return undefined;
  return `Kannel's ${missing.join(" and ")} cannot be found. On Debian, as root: apt-get install kannel.`;
}

/**
 * Kannel with its store in a file (written for each message, never fsynced), its receipts' map in
 * memory, which is its fastest, no access log, and a callback when the carrier took a message and
 * when it delivered it.
 */
export async function startKannel({ folder, carrier, window, callback, before }) {
  mkdirSync(folder);
  const ports = { admin: await closedPort(), smsbox: await closedPort(), http: await closedPort() };
  const path = join(folder, "kannel.conf");
  writeFileSync(path, configuration({ folder, ports, carrier, window }));
  const start = (name) => {
    const [command, ...args] = [...before, pathOf(name), "-v", "4", path];
    return startProgram({
      ...{ name, folder, command, args, stopMsMax: STOP_MS_MAX },
      env: { PATH: process.env.PATH, LANG: "C" },
    });
  };
  const bearerbox = start("bearerbox");
  const status = `http://127.0.0.1:${ports.admin}/status.txt?password=bench`;
  await untilStatus(bearerbox, status, /Status: running/);
  const smsbox = start("smsbox");
  await untilStatus(smsbox, status, /smsbox.*on-line.*\(online/s);
  const report = encodeURIComponent(`${callback}?status=%d&id=%F&to=%p`);
  return {
    name: "kannel",
    target: {
      ...{ host: "127.0.0.1", port: ports.http },
      path: `/cgi-bin/sendsms?username=bench&password=bench&dlr-mask=${CALLBACKS}&dlr-url=${report}`,
    },
    cpu: { bearerbox: () => cpuOf(bearerbox.pid), smsbox: () => cpuOf(smsbox.pid) },
    memoryMb: () => ({ bearerbox: memoryMbOf(bearerbox.pid), smsbox: memoryMbOf(smsbox.pid) }),
    mostMemoryMb: () => ({
      bearerbox: mostMemoryMbOf(bearerbox.pid),
      smsbox: mostMemoryMbOf(smsbox.pid),
    }),
    stop: async () => {
      await smsbox.stop();
      await bearerbox.stop();
    },
  };
}

function pathOf(name) {
  return FOLDERS.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function untilStatus(program, url, pattern) {
  const deadline = performance.now() + START_MS_MAX;
  let status = "";
  while (performance.now() < deadline && program.isRunning()) {
    status = await fetch(url).then(
      (response) => response.text(),
      () => "",
    );
    if (pattern.test(status)) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`Kannel did not start. Its output:\n${program.output()}\n${status}`);
}

function configuration({ folder, ports, carrier, window }) {
  return `group = core
admin-port = ${ports.admin}
admin-password = bench
smsbox-port = ${ports.smsbox}
admin-interface = 127.0.0.1
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = "${join(folder, "bearerbox.log")}"
log-level = 4
store-type = file
store-location = "${join(folder, "store")}"
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = carrier
interface-version = 34
host = 127.0.0.1
port = ${carrier.port}
transceiver-mode = true
smsc-username = simulator
smsc-password = loopback
system-type = ""
max-pending-submits = ${window}
throughput = 0
enquire-link-interval = 30

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-interface = 127.0.0.1
sendsms-port = ${ports.http}
log-file = "${join(folder, "smsbox.log")}"
log-level = 4

group = sendsms-user
username = bench
password = bench
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"
max-messages = 10
concatenation = true

group = sms-service
keyword = default
text = ""
max-messages = 0
`;
}
