import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../../..");
export const isRoot = process.getuid?.() === 0;
/** An ordinary user with a name, to start as when the tests run as root. */
export const ordinary = { uid: 1, gid: 1 };

export type Longwave = {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly output: () => string;
  /** The address, once it listens. */
  readonly url: Promise<string>;
  /** The exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
};

export type StartOptions = {
  readonly env?: Record<string, string>;
  readonly user?: { uid: number; gid: number };
  readonly command?: readonly [string, ...string[]];
};

const started = new Set<ChildProcess>();
const folders = new Set<string>();
const disks = new Set<string>();

/** Starts the program as a user would, on free ports. */
export function startLongwave(dataDir: string, options: StartOptions = {}): Longwave {
  const [program, ...args] = options.command ?? [process.execPath, "scripts/start.js"];
  const child = spawn(program, args, {
    ...{ cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options.user },
    env: {
      ...{ PATH: process.env.PATH, PORT: "0", LONGWAVE_SIMULATOR_HTTP_PORT: "0" },
      ...{ LONGWAVE_DATA_DIR: dataDir, HOME: "/nonexistent", ...options.env },
    },
  });
  started.add(child);
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  const ended = new Promise<number | string>((done) => {
    child.once("exit", (code, signal) => done(code ?? signal ?? "?"));
  });
  const url = new Promise<string>((done, fail) => {
    child.stdout?.on("data", () => {
      const found = /listens at (http:\S+)/.exec(output)?.[1];
      if (found !== undefined) done(found);
    });
    void ended.then((code) => fail(new Error(`Ended with ${code} before it listened:\n${output}`)));
  });
  url.catch(() => undefined);
  void ended.then((code) => {
    if (code !== 0) process.stderr.write(`Ended with ${code}:\n${output}\n`);
  });
  return { pid: child.pid ?? 0, child, output: () => output, url, ended };
}

/** What a start that must fail says, and its exit code. */
export async function refusal(dataDir: string, options: StartOptions = {}) {
  const longwave = startLongwave(dataDir, options);
  const code = await longwave.ended;
  return { code, says: longwave.output().trim() };
}

/** A folder that everybody may enter, gone after the file's tests. */
export function newFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "longwave-start-"));
  chmodSync(folder, 0o755);
  folders.add(folder);
  return folder;
}

/** Ends what the tests left, and removes their folders. */
export async function cleanUp(): Promise<void> {
  for (const child of started) {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  }
  await Promise.all([...started].map((child) => hasEnded(child)));
  for (const folder of folders) {
    for (const pid of postgresOf(folder)) process.kill(pid, "SIGKILL");
    if (disks.delete(folder)) execFileSync("umount", ["--lazy", folder], { stdio: "ignore" });
    rmSync(folder, { recursive: true, force: true });
  }
}

function hasEnded(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => child.once("exit", () => done()));
}

/** The postmasters whose cluster lies below a folder. */
export function postgresOf(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readCommand(pid).some((part) => part.startsWith(`${folder}/`)))
    .filter((pid) => readCommand(pid)[0]?.endsWith("bin/postgres"))
    .map(Number);
}

function readCommand(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

export type Account = { readonly accountSid: string; readonly authToken: string };

export function accountOf(dataDir: string): Account {
  return JSON.parse(readFileSync(join(dataDir, "credentials.json"), "utf8")) as Account;
}

export function messagesRequest(url: string, account: Account, path = ""): [string, RequestInit] {
  const login = Buffer.from(`${account.accountSid}:${account.authToken}`).toString("base64");
  return [
    `${url}/2010-04-01/Accounts/${account.accountSid}/Messages${path}.json`,
    { headers: { authorization: `Basic ${login}` }, signal: AbortSignal.timeout(15_000) },
  ];
}

/** Sends a text; the answer's status, and its sid when accepted. */
export async function sendText(url: string, account: Account, text: string) {
  const [address, init] = messagesRequest(url, account);
  const body = new URLSearchParams({ To: "+12025550123", From: "+15005550100", Body: text });
  const response = await fetch(address, { ...init, method: "POST", body });
  const answer = (await response.json()) as { sid?: string; message?: string };
  return { ...answer, status: response.status };
}

export async function isStored(url: string, account: Account, sid: string): Promise<boolean> {
  return (await fetch(...messagesRequest(url, account, `/${sid}`))).status === 200;
}

/** Whether this machine lets us mount a small disk of our own. */
export function mountDisk(size: string): string | undefined {
  const folder = newFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=755`, "tmpfs", folder], {
      stdio: "ignore",
    });
    disks.add(folder);
    return folder;
  } catch {
    return undefined;
  }
}

/** Leaves less than a WAL segment's worth of a disk that PostgreSQL writes meanwhile. */
export function fillDisk(disk: string): string {
  const filler = join(disk, "filler");
  for (;;) {
    const { bavail, bsize } = statfsSync(disk);
    try {
      execFileSync("fallocate", ["-l", String(bavail * bsize - 262_144), filler], {
        stdio: "ignore",
      });
      return filler;
    } catch {
      rmSync(filler, { force: true });
    }
  }
}
