import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { latencies } from "./latencies.js";

const TICKS_A_SECOND = 100;
const WATCH_MS = 1_000;
const PROBE_BYTES = 8_192;
const PROBES = 200;

/** The machine before the benchmark: what it is, how busy others keep it, how fast its disk is. */
export async function describeMachine(folder) {
  const busyBefore = busyCpuSeconds();
  await new Promise((done) => setTimeout(done, WATCH_MS));
  const busy = busyCpuSeconds() - busyBefore;
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverageBefore: Number(loadavg()[0]?.toFixed(2)),
    busyPercentBefore: percentOfCores(busy, WATCH_MS / 1000),
    fsyncMs: probeFsync(folder),
  };
}

export function percentOfCores(cpuSeconds, wallSeconds) {
  return Math.round((100 * cpuSeconds) / (wallSeconds * cpus().length));
}

/** CPU seconds that all cores together have worked, for whomever; with the time a host took away. */
export function busyCpuSeconds() {
  const [line] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = line
    .split(/ +/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupts + softInterrupts + stolen) / TICKS_A_SECOND;
}

/** How long an append of 8 kB takes to be durable where the data will lie. */
function probeFsync(folder) {
  const path = join(folder, "fsync-probe");
  const file = openSync(path, "a");
  const bytes = Buffer.alloc(PROBE_BYTES, 1);
  const took = Array.from({ length: PROBES }, () => {
    const started = performance.now();
    writeSync(file, bytes);
    fsyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  rmSync(path);
  return latencies(took);
}
