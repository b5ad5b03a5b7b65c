import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/install.js";
import { freePort } from "./pgbouncer.js";

const START_MS_MAX = 60_000;
const START_AGAIN_MS = 500;

/** One Longwave process with some roles, to be killed, frozen and started again. */
export async function createLongwave({ name, roles, folder, env, say }) {
  const port = await freePort();
  const clockFile = join(folder, `${name}.clock`);
  const shift = (ms) => writeFileSync(clockFile, String(ms));
  shift(0);
  let child;
  let hasStarted = false;
  let isFrozen = false;
  let isStopping = false;
  let starting = Promise.resolve();
  let lastWords = "";

  const startOnce = async () => {
    child = spawn(
      process.execPath,
      [
        ...["--import", join(root, "torture/clock-shift.js"), join(root, "scripts/start.js")],
        ...["serve", "--role", roles],
      ],
      {
        env: { PATH: process.env.PATH, PORT: String(port), TORTURE_CLOCK: clockFile, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    child.stderr.on("data", (chunk) => {
      lastWords = String(chunk).trim();
      note(name, chunk);
    });
    await started(child);
    hasStarted = true;
    child.once("exit", (code, signal) => {
      if (!hasStarted || isStopping) return;
      // As a service manager does it; that it ended is told.
      hasStarted = false;
      say(`${name} ended by itself with ${signal ?? code}. Its last words: ${lastWords}`);
      void start();
    });
  };
  /** Tried until it starts: the database may be away. */
  const startUntilItRuns = async () => {
    while (!isStopping) {
      try {
        return await startOnce();
      } catch (error) {
        say(`${name}: ${error.message}`);
        child = undefined;
        await new Promise((done) => setTimeout(done, START_AGAIN_MS));
      }
    }
  };
  const start = () => {
    starting = startUntilItRuns();
    return starting;
  };

  return {
    ...{ name, roles, shift },
    url: roles.includes("api") ? `http://127.0.0.1:${port}` : undefined,
    isRunning: () => hasStarted && !isFrozen,
    start,
    /** Resolves when it runs, if it is being started. */
    ready: () => starting,
    kill: async () => {
      hasStarted = false;
      const ended = hasEnded(child);
      child.kill("SIGKILL");
      await ended;
      child = undefined;
    },
    freeze: () => {
      isFrozen = true;
      child.kill("SIGSTOP");
    },
    thaw: () => {
      isFrozen = false;
      child.kill("SIGCONT");
    },
    stop: async () => {
      isStopping = true;
      if (child === undefined) return;
      const ended = hasEnded(child);
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

const noted = new Map();

/** Errors are counted, not shown one by one: under these faults there are thousands. */
function note(name, chunk) {
  for (const line of String(chunk).split("\n")) {
    if (line === "") continue;
    const key = `${name}: ${line}`;
    noted.set(key, (noted.get(key) ?? 0) + 1);
  }
}

export function notedErrors() {
  return [...noted].map(([line, count]) => `${count} x ${line}`);
}

function hasEnded(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => child.once("exit", done));
}

function started(child) {
  return new Promise((done, fail) => {
    let output = "";
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    const timer = setTimeout(() => fail(new Error("did not start.")), START_MS_MAX);
    child.once("exit", (code, signal) =>
      fail(new Error(`ended with ${signal ?? code}: ${errors}`)),
    );
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (!/listens at|runs: /.test(output)) return;
      clearTimeout(timer);
      done();
    });
  });
}
