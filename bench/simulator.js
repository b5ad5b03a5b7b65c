/**
 * Submissions per second that `longwave simulate` answers, receipts on, and its CPU for each.
 * node bench/simulator.js [--count 400000] [--binds 2] [--window 1000] [--rate 20000] [--state FOLDER]
 * Without a rate it gives all that the simulator answers, and then receipts fall behind and are lost
 * beyond its bound.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "400000" },
    binds: { type: "string", default: "2" },
    window: { type: "string", default: "1000" },
    rate: { type: "string" },
    state: { type: "string" },
    profile: { type: "string" },
  },
});
const COUNT = Number(values.count);
const BINDS = Number(values.binds);
const WINDOW = Number(values.window);
const RATE = values.rate === undefined ? Number.POSITIVE_INFINITY : Number(values.rate);
const PACE_MS = 5;
const PORT = 27_750;
const HEADER_BYTES = 16;
/** Linux counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100;
const QUIET_MS = 5_000;

const root = join(import.meta.dirname, "..");
const child = spawn(process.execPath, simulatorArguments(), { cwd: root });
const output = [];
child.stdout.on("data", (chunk) => output.push(chunk));
child.stderr.on("data", (chunk) => process.stderr.write(chunk));
try {
  await waitFor(() => Buffer.concat(output).includes("Ctrl-C stops"));
  await measure();
} finally {
  child.kill("SIGINT");
}

function simulatorArguments() {
  const options = ["--port", String(PORT), "--http-port", "0"];
  if (values.state !== undefined) options.push("--state", values.state);
  const profiler =
    values.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", values.profile];
  return [...profiler, "scripts/start.js", "simulate", ...options];
}

async function measure() {
  const counts = { answered: 0, receipts: 0, errors: 0 };
  const cpuBefore = cpuSeconds(child.pid);
  const started = performance.now();
  let answeredAfterMs = 0;
  const perBind = Math.floor(COUNT / BINDS);
  const links = Array.from({ length: BINDS }, () => load(perBind, counts));
  await waitFor(() => counts.answered === perBind * BINDS);
  answeredAfterMs = performance.now() - started;
  const expected = perBind * BINDS - counts.errors;
  await waitFor(() => counts.receipts >= expected || hasGoneQuiet(counts));
  const cpu = cpuSeconds(child.pid) - cpuBefore;
  for (const link of links) link.destroy();
  const rate = Math.round((counts.answered / answeredAfterMs) * 1_000);
  const micros = ((cpu / counts.answered) * 1_000_000).toFixed(1);
  console.log(`${rate} submit_sm/s answered, ${counts.receipts} receipts, ${counts.errors} errors`);
  console.log(`${micros} µs CPU of the simulator each, its receipt included`);
  console.log(`= ${Math.round(counts.answered / cpu)} a second on one core`);
}

/** Receipts beyond the bound of what may wait are lost and never come. */
function hasGoneQuiet(counts) {
  const now = performance.now();
  if (counts.receipts !== counts.heard) Object.assign(counts, { heard: counts.receipts, at: now });
  return now - counts.at > QUIET_MS;
}

/** One bind: keeps the window full, answers receipts in bulk. */
function load(count, counts) {
  const socket = connect({ port: PORT, host: "127.0.0.1", noDelay: true });
  let sent = 0;
  let open = 0;
  let rest = Buffer.alloc(0);
  let started = Number.POSITIVE_INFINITY;
  const isDue = () => sent < ((performance.now() - started) / 1_000) * (RATE / BINDS);
  const fill = () => {
    const pdus = [];
    for (; open < WINDOW && sent < count && isDue(); open += 1) {
      sent += 1;
      pdus.push(submission(sent));
    }
    if (pdus.length > 0) socket.write(Buffer.concat(pdus));
  };
  socket.write(pdu(9, 1, Buffer.from("simulator\0loopback\0\0\x34\0\0\0", "latin1")));
  socket.on("data", (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const answers = [];
    let at = 0;
    while (at + HEADER_BYTES <= bytes.length) {
      const length = bytes.readUInt32BE(at);
      if (at + length > bytes.length) break;
      const command = bytes.readUInt32BE(at + 4);
      if (command === 0x80000009) {
        started = performance.now() - PACE_MS;
        if (RATE !== Number.POSITIVE_INFINITY) setInterval(fill, PACE_MS).unref();
        fill();
      } else if (command === 0x80000004) {
        open -= 1;
        counts.answered += 1;
        if (bytes.readUInt32BE(at + 8) !== 0) counts.errors += 1;
      } else if (command === 5) {
        counts.receipts += 1;
        answers.push(pdu(0x80000005, bytes.readUInt32BE(at + 12), Buffer.alloc(1)));
      }
      at += length;
    }
    rest = bytes.subarray(at);
    if (answers.length > 0) socket.write(Buffer.concat(answers));
    if (open < WINDOW / 2) fill();
  });
  socket.on("error", (error) => console.error(error.message));
  return socket;
}

/** The same text to one of ten thousand phones. */
function submission(number) {
  const phone = String(12_025_550_000 + (number % 9_900));
  const text = "Your parcel is at the door. Reply STOP to opt out of this.";
  const fields = ["\0\x01\x01", "15005550100\0", "\x01\x01", `${phone}\0`, "\0\0\0", "\0", "\0"];
  const body = Buffer.from(
    `${fields.join("")}\x01\0\0\0${String.fromCharCode(text.length)}${text}`,
    "latin1",
  );
  return pdu(4, number + 1, body);
}

function pdu(command, sequence, body) {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.writeUInt32BE(command, 4);
  bytes.writeUInt32BE(0, 8);
  bytes.writeUInt32BE(sequence, 12);
  body.copy(bytes, HEADER_BYTES);
  return bytes;
}

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function waitFor(isSo) {
  while (!isSo()) await new Promise((done) => setTimeout(done, 5));
}
