import { loadavg } from "node:os";
import { cpuOf } from "./cpu.js";
import { busyCpuSeconds, percentOfCores } from "./machine.js";

/**
 * Does the work and tells what it gave, how long it took, what each process spent in CPU seconds,
 * and how busy the machine was meanwhile, with us and with others.
 */
export async function measure(cpuSeconds, work) {
  const read = () => ({
    ...Object.fromEntries(Object.entries(cpuSeconds).map(([name, cpu]) => [name, cpu()])),
    benchmark: cpuOf(process.pid),
  });
  const before = read();
  const busyBefore = busyCpuSeconds();
  const started = performance.now();
  const value = await work();
  const wallSeconds = (performance.now() - started) / 1000;
  const busy = busyCpuSeconds() - busyBefore;
  const spent = Object.fromEntries(
    Object.entries(read()).map(([name, after]) => [name, after - before[name]]),
  );
  const ours = Object.values(spent).reduce((sum, seconds) => sum + seconds, 0);
  return {
    value,
    wallSeconds,
    spent,
    load: {
      busyPercent: percentOfCores(busy, wallSeconds),
      ofOthersPercent: percentOfCores(Math.max(0, busy - ours), wallSeconds),
      loadAverage: Number(loadavg()[0]?.toFixed(2)),
    },
  };
}

export function microsPerMessage(spent, messages) {
  return Object.fromEntries(
    Object.entries(spent).map(([name, seconds]) => [name, Math.round((seconds * 1e6) / messages)]),
  );
}

export function perSecond(count, seconds) {
  return Math.round(count / seconds);
}
