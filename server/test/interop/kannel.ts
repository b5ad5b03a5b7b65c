import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathOf } from "./program.ts";

export const isKannelHere = pathOf("bearerbox") !== undefined && pathOf("smsbox") !== undefined;

const START_MS_MAX = 40_000;

export type Kannel = {
  /** Sends a text by its HTTP face: `to`, `from`, `text` and more. */
  readonly send: (query: Readonly<Record<string, string>>) => Promise<string>;
  readonly close: () => Promise<void>;
};

/** Kannel as a gateway bound to an SMSC; a phone's text is told to `textUrl`. */
export async function startKannel(app: { smscPort: number; textUrl: string }): Promise<Kannel> {
  const folder = await mkdtemp(join(tmpdir(), "longwave-kannel-"));
  const ports = { admin: await freePort(), smsbox: await freePort(), http: await freePort() };
  const file = join(folder, "kannel.conf");
  await writeFile(file, configuration({ ...app, ...ports, folder }));
  const programs: ChildProcess[] = [];
  const start = (name: string) =>
    programs.push(spawn(pathOf(name) ?? name, ["-v", "4", file], { cwd: folder, stdio: "ignore" }));
  const status = `http://127.0.0.1:${ports.admin}/status.txt?password=secret`;
  const close = async () => {
    await Promise.all(programs.reverse().map(kill));
    await rm(folder, { recursive: true });
  };
  try {
    start("bearerbox");
    await untilStatus(status, /\(online/);
    start("smsbox");
    await untilStatus(status, /smsbox.*on-line/);
  } catch (error) {
    await close();
    throw error;
  }
  const login = { username: "us", password: "secret", charset: "UTF-8" };
  return {
    send: async (query) => {
      const all = new URLSearchParams({ ...login, ...query });
      const answer = await fetch(`http://127.0.0.1:${ports.http}/cgi-bin/sendsms?${all}`);
      return await answer.text();
    },
    close,
  };
}

/** It waits for its queue, which nobody needs. */
function kill(program: ChildProcess): Promise<unknown> {
  if (program.exitCode !== null) return Promise.resolve();
  const ended = new Promise((done) => program.once("exit", done));
  program.kill("SIGKILL");
  return ended;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function untilStatus(url: string, pattern: RegExp): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  for (let status = ""; !pattern.test(status); ) {
    if (performance.now() > deadline) throw new Error(`Kannel did not start: ${status}`);
    status = await fetch(url).then(
      (answer) => answer.text(),
      () => "",
    );
    await new Promise((done) => setTimeout(done, 50));
  }
}

function configuration(of: {
  folder: string;
  smscPort: number;
  textUrl: string;
  admin: number;
  smsbox: number;
  http: number;
}): string {
  return `group = core
admin-port = ${of.admin}
admin-password = secret
smsbox-port = ${of.smsbox}
admin-interface = 127.0.0.1
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-file = "${of.folder}/bearerbox.log"
log-level = 1
dlr-storage = internal
sms-combine-concatenated-mo = true

group = smsc
smsc = smpp
smsc-id = longwave
interface-version = 34
host = 127.0.0.1
port = ${of.smscPort}
transceiver-mode = true
smsc-username = simulator
smsc-password = loopback
system-type = ""
msg-id-type = 0x00
enquire-link-interval = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-interface = 127.0.0.1
sendsms-port = ${of.http}
log-file = "${of.folder}/smsbox.log"
log-level = 1

group = sendsms-user
username = us
password = secret
max-messages = 10
concatenation = true

group = sms-service
keyword = default
get-url = "${of.textUrl}?from=%p&to=%P&text=%a&charset=%C&coding=%c"
max-messages = 0
accept-x-kannel-headers = true
`;
}
