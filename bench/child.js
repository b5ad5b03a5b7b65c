import { fork } from "node:child_process";
import { join } from "node:path";
import { cpuOf } from "./cpu.js";

/** A process of the benchmark: says hello once, then answers one question at a time. */
export async function createChild(file, env) {
  const child = fork(join(import.meta.dirname, file), [], { env: { ...process.env, ...env } });
  const next = () => new Promise((done) => child.once("message", done));
  const hello = await next();
  return {
    hello,
    ask: (question) => {
      const answer = next();
      child.send(question);
      return answer;
    },
    cpu: () => cpuOf(child.pid),
    stop: () => child.kill("SIGKILL"),
  };
}
