import { prepare } from "../scripts/install.js";
import { createChild } from "./processes.js";

const PAGE_LENGTH = 10_000;

/** The simulator as a process of its own, so that its CPU is nobody else's. */
export async function startCarrier({ receiptMs }) {
  prepare();
  const ports = ["--port", "0", "--http-port", "0"];
  const child = await createChild(
    "carrier-process.js",
    ["simulate", ...ports, "--receipt-ms", String(receiptMs)],
    { stdout: "pipe" },
  );
  const [, port, url] = await welcomeOf(child.stdout);
  const submissionsAfter = async (sequence) => {
    const response = await fetch(`${url}/submissions?after=${sequence}`);
    return response.json();
  };
  return {
    port: Number(port),
    cpu: child.cpu,
    /** How many it has taken since its start. */
    submitted: async () => {
      const response = await fetch(`${url}/state`);
      return (await response.json()).submitted;
    },
    /** How late stamps may be, for `latenessOf`. */
    idles: async () => {
      const { clockBehindMs } = child.hello;
      const idles = await child.ask("idles");
      return idles.map(({ atMs, sinceMs }) => ({
        atMs: atMs + clockBehindMs,
        sinceMs: sinceMs + clockBehindMs,
      }));
    },
    /** What was submitted after a sequence number, stamped by the machine's monotonic clock. */
    submissionsAfter: async (sequence) => {
      const all = [];
      for (;;) {
        const page = await submissionsAfter(all.at(-1)?.sequence ?? sequence);
        for (const one of page) all.push({ ...one, atMs: one.atMs + child.hello.clockBehindMs });
        if (page.length < PAGE_LENGTH) return all;
      }
    },
  };
}

function welcomeOf(stdout) {
  let output = "";
  return new Promise((done) => {
    stdout.on("data", (chunk) => {
      output += chunk;
      const match = /SMPP 3\.4 +\S+:(\d+).*?(http:\S+)\/phones/s.exec(output);
      if (match !== null) done(match);
    });
  });
}
