import { fork } from "node:child_process";
import { join } from "node:path";
import { watchIdles } from "../bench/idles.js";

const TICK_MS = 5;

if (process.argv[2] === "run") await run();

/** The carrier in a process of its own: it survives what is killed. */
export async function startSimulator() {
  const child = fork(join(import.meta.dirname, "simulator.js"), ["run"]);
  const ports = await new Promise((done) => child.once("message", done));
  return {
    ...ports,
    /** All submissions that it accepted, in order: { atMs, from, to, id }. */
    submissions: async () => {
      const all = [];
      for (;;) {
        const after = all.at(-1)?.sequence ?? 0;
        const url = `http://127.0.0.1:${ports.httpPort}/submissions?after=${after}`;
        const page = await (await fetch(url)).json();
        if (page.length === 0) return all;
        all.push(...page);
      }
    },
    /** How late its stamps may be: { atMs, sinceMs }, what it reads from `atMs` on came after `sinceMs`. */
    idles: () => {
      const told = new Promise((done) => child.once("message", done));
      child.send("idles");
      return told;
    },
    /** A carrier that says nothing for a while, and then reads what has come meanwhile. */
    pause: async (ms) => {
      child.kill("SIGSTOP");
      await new Promise((done) => setTimeout(done, ms));
      child.kill("SIGCONT");
      return `carrier paused for ${Math.round(ms)} ms`;
    },
    stop: () => child.kill("SIGKILL"),
  };
}

async function run() {
  const { startSimulator: start } = await import("../server/dist/simulator/simulator.js");
  const { systemClock } = await import("../server/dist/lib/clock.js");
  const options = { port: 0, httpPort: 0, seed: 1, receiptDelayMs: 300, clock: systemClock };
  const { port, httpPort } = await start(options);
  const idles = watchIdles(TICK_MS);
  process.on("message", () => process.send(idles));
  process.send({ port, httpPort, originMs: performance.timeOrigin });
}
