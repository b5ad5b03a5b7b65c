import { fork, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cpuOf } from "./cpu.js";

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const LOOK_MS = 50;

const endings = [];
let keeper;

/** From here on programs and folder do not outlive the benchmark, even if it is killed. */
export function startKeeper(folder) {
  const path = join(import.meta.dirname, "keeper.js");
  keeper = fork(path, { stdio: "ignore", detached: true });
  keeper.send({ folder });
}

/** Does this when the benchmark ends, however it ends; what began last ends first. */
export function atEnd(end) {
  endings.push(end);
}

export async function endAll() {
  for (let end = endings.pop(); end !== undefined; end = endings.pop()) {
    await Promise.resolve(end()).catch((error) => process.stderr.write(`${error.stack}\n`));
  }
}

/**
 * A program of its own whose output goes to a file, so that the end of the benchmark closes no pipe
 * under it; `printed` waits for a line of it.
 */
export function startProgram({ name, command, args, env, folder, stopMsMax = STOP_MS_MAX }) {
  const path = join(folder, `${name}.output`);
  const file = openSync(path, "w");
  // Detached: of Ctrl-C the benchmark alone hears, and it stops the programs in order.
  const child = spawn(command, args, { env, stdio: ["ignore", file, file], detached: true });
  keeper?.send({ started: child.pid });
  child.once("exit", () => keeper?.connected && keeper.send({ ended: child.pid }));
  closeSync(file);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const output = () => readFileSync(path, "utf8");
  const stop = () => stopChild(child, isRunning, stopMsMax);
  atEnd(stop);
  const printed = async (pattern) => {
    const deadline = performance.now() + START_MS_MAX;
    for (;;) {
      const match = pattern.exec(output());
      if (match !== null) return match;
      if (!isRunning() || performance.now() > deadline) {
        const what = isRunning() ? "did not start" : `ended: ${child.signalCode ?? child.exitCode}`;
        throw new Error(`${name} ${what}. Its output:\n${output()}`);
      }
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  };
  const kill = () => {
    const ended = isRunning() ? new Promise((done) => child.once("exit", done)) : undefined;
    child.kill("SIGKILL");
    return ended;
  };
  return { pid: child.pid, isRunning, printed, output, stop, kill };
}

function stopChild(child, isRunning, stopMsMax) {
  if (!isRunning()) return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
    child.once("exit", () => {
      clearTimeout(timer);
      done();
    });
    child.kill("SIGTERM");
  });
}

/** A part of the benchmark in a process of its own: says hello once, then answers one question at a time. */
export async function createChild(file, args = [], { stdout = "inherit" } = {}) {
  const child = fork(join(import.meta.dirname, file), args, {
    stdio: ["ignore", stdout, "inherit", "ipc"],
  });
  atEnd(() => child.kill("SIGKILL"));
  const next = () =>
    new Promise((done, fail) => {
      const ended = (code, signal) => fail(new Error(`${file} ended with ${signal ?? code}.`));
      child.once("exit", ended);
      child.once("message", (message) => {
        child.off("exit", ended);
        done(message);
      });
    });
  const hello = await next();
  return {
    ...{ hello, pid: child.pid, stdout: child.stdout },
    ask: (question) => {
      const answer = next();
      child.send(question);
      return answer;
    },
    cpu: () => cpuOf(child.pid),
    stop: () => child.kill("SIGKILL"),
  };
}
