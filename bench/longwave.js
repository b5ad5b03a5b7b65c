import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { prepare, root } from "../scripts/install.js";
import { asNice } from "./cores.js";
import {
  cpuOf,
  cpuOfDescendants,
  memoryMbOf,
  memoryMbOfDescendants,
  mostMemoryMbOf,
} from "./cpu.js";
import { startProgram } from "./processes.js";
import { cpuByFolder, readProfile } from "./profile.js";

const accountSid = `AC${"b".repeat(32)}`;
const authToken = "b".repeat(32);
const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
/** Kept, for a browser's developer tools. */
const profiles = join(root, "bench/out");
const startScript = join(root, "scripts/start.js");
/** Who does what, by the number of processes. The first has PostgreSQL and answers requests. */
export const rolesOf = {
  1: ["api,dispatch,webhooks"],
  2: ["api,dispatch", "webhooks"],
  3: ["api", "dispatch", "webhooks"],
};
const SETTLE_MS_MAX = 30_000;

/**
 * A Longwave of its own in a new folder, with the embedded PostgreSQL. Its connector `carrier` is
 * bound to the simulator; `nowhere` never binds, so what it should carry stays queued.
 */
export async function startLongwave(options) {
  const { folder, carrier, window, profile = false, processes = 1, pinned = [] } = options;
  const before = [...pinned, ...asNice({ first: true })];
  prepare();
  mkdirSync(folder);
  const profileName = `${basename(dirname(folder))}-${basename(folder)}.cpuprofile`;
  const flags = profile
    ? ["--cpu-prof", "--cpu-prof-dir", profiles, "--cpu-prof-name", profileName]
    : [];
  const [firstRoles, ...otherRoles] = options.roles ?? rolesOf[processes] ?? [];
  if (firstRoles === undefined) throw new Error(`There is no way to run ${processes} processes.`);
  const start = (roles, of, env) => {
    const node = [process.execPath, ...of, "--max-semi-space-size=64"];
    const [command, ...args] = [...before, ...node, startScript, "serve", "--role", roles];
    return startProgram({
      ...{ name: `Longwave ${roles}`, folder, command, args },
      env: {
        ...{ PATH: process.env.PATH, PORT: "0", LONGWAVE_SIMULATOR: "off" },
        ...{ LONGWAVE_DATA_DIR: join(folder, "data"), LONGWAVE_ACCOUNT_SID: accountSid },
        ...{ LONGWAVE_AUTH_TOKEN: authToken, LONGWAVE_SECRET_KEY: "b".repeat(64), ...env },
        LONGWAVE_ALLOW_PRIVATE: "127.0.0.0/8",
      },
    });
  };
  const program = start(firstRoles, flags, {});
  const [, url] = await program.printed(/listens at (\S+)/);
  const others = otherRoles.map((roles) => start(roles, [], socketOf(folder)));
  for (const other of others) await other.printed(/runs: /);
  const pids = () => [program, ...others].map(({ pid }) => pid);
  const call = createCall(url);
  await addConnector(call, { name: "carrier", port: carrier.port, window });
  await addConnector(call, { name: "nowhere", port: await closedPort(), window });
  // Only who binds knows it; the warm-up waits for it otherwise.
  if (others.length === 0) await untilBound(call);
  const { hostname: host, port } = new URL(url);
  return {
    name: "longwave",
    /** What the loader needs to reach it. */
    target: { host, port: Number(port), accountSid, authorization },
    addSender: (number, settings) => addSender(call, number, settings),
    cpu: {
      longwave: () => sum(pids().map(cpuOf)),
      postgres: () => cpuOfDescendants(program.pid),
    },
    memoryMb: () => ({
      longwave: sum(pids().map(memoryMbOf)),
      postgres: memoryMbOfDescendants(program.pid),
    }),
    mostMemoryMb: () => ({ longwave: sum(pids().map(mostMemoryMbOf)) }),
    /** With SIGKILL; then a new one in its place. */
    killLast: () => others.at(-1).kill(),
    startLast: async () => {
      const next = start(otherRoles.at(-1), [], socketOf(folder));
      others[others.length - 1] = next;
      await next.printed(/runs: /);
    },
    stop: async () => {
      for (const other of others) await other.stop();
      await program.stop();
    },
    /** Where its CPU went, for each of the messages it has had; once it is stopped. */
    cpuByFolder: (messages) =>
      profile ? cpuByFolder(readProfile(join(profiles, profileName)), messages) : undefined,
  };
}

function createCall(url) {
  return async (path, body) => {
    const response = await fetch(`${url}${path}`, {
      ...{ method: body === undefined ? "GET" : "POST", body },
      headers: {
        authorization,
        ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
      },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
}

async function addConnector(call, { name, port, window }) {
  const settings = { host: "127.0.0.1", port, systemId: "simulator", password: "loopback", window };
  await call("/longwave/v1/Connectors", JSON.stringify({ name, kind: "smpp", settings }));
}

/** A long code that the account holds. */
async function addSender(call, number, { segmentsPerSecond, connector = "carrier" }) {
  const kind = { kind: "long_code", country: "US" };
  const sender = { number, ...kind, connector, segments_per_second: segmentsPerSecond };
  await call("/longwave/v1/Inventory", JSON.stringify({ numbers: [sender] }));
  const registrations = [{ number, campaign: "BENCH" }];
  await call("/longwave/v1/Registrations", JSON.stringify({ registrations }));
  await call(
    `/2010-04-01/Accounts/${accountSid}/IncomingPhoneNumbers.json`,
    new URLSearchParams({ PhoneNumber: number }),
  );
}

async function untilBound(call) {
  const deadline = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < deadline) {
    const { connectors } = await call("/longwave/v1/Connectors");
    if (connectors.find(({ name }) => name === "carrier").state.phase === "bound") return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("Longwave did not bind to the simulator.");
}

/** The first process's PostgreSQL, as its client library finds it. */
export function socketOf(folder) {
  const lines = readFileSync(join(folder, "data/cluster/postmaster.pid"), "utf8").split("\n");
  return { DATABASE_URL: "postgres:///longwave", PGHOST: lines[4], PGUSER: "longwave" };
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/** A port where nobody listens. */
export function closedPort() {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
