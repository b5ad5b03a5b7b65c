import { Session } from "node:inspector/promises";
import { ratesOf } from "./lanes.js";
import { perSecond } from "./measure.js";
import { startMemoryLanes } from "./memory-lanes.js";
import { cpuByFile } from "./profile.js";

/** As of Node's --cpu-prof: to take more of them costs what is measured. */
const SAMPLE_MICROS = 1_000;
/** Lanes begin one after another for so long, as a day's lanes do. */
const SPREAD_SECONDS = 8;
const STEP_MS = 10;
/** What a lane holds: messages of so many seconds. */
const WAITING_SECONDS = 12;
const FEW = 10;
/** The goal is given at this rate. */
const GOAL_PER_SECOND = 5_000;

/** Decides which message leaves when; `writing` hands over what was claimed, at its instant. */
const scheduling =
  /^(messages\/(pump|lane|lane-.*|channel|sweep)|throughput\/.*|lib\/(alarm|due-.*|fifo))\.js$/;
const writing = /^messages\/(write-parts|settle-part|move-parts|flight|paused-parts|reroute)\.js$/;

export const schedulingOfLanes = {
  summary: "what deciding when each message leaves costs, with thousands of lanes and with ten",
  options: { lanes: 10_000, rate: 5_000, seconds: 10, window: 2_000 },
  run: async ({ lanes, rate, seconds, window }) => ({
    lanes: {
      [lanes]: await measureLanes({ count: lanes, rate, seconds, window }),
      [FEW]: await measureLanes({ count: FEW, rate, seconds, window }),
    },
  }),
};

/** A rate over all of them that is shared as in the benchmark `lanes`. */
async function measureLanes({ count, rate, seconds, window }) {
  const mixed = ratesOf(count);
  const sum = mixed.reduce((total, one) => total + one, 0);
  const rates = mixed.map((one) => (one * rate) / sum);
  const waiting = (one) => Math.ceil(one * WAITING_SECONDS) + 1;
  const lanes = await startMemoryLanes({ rates, waiting, window });
  await beginAll(lanes, count);
  const { whole, profiled, profile } = await watch(lanes, seconds);
  await lanes.close();
  const byFile = cpuByFile(profile, profiled.messages);
  const sumOf = (pattern) =>
    Object.entries(byFile).reduce((all, [file, us]) => all + (pattern.test(file) ? us : 0), 0);
  const micros = sumOf(scheduling);
  return {
    leftPerSecond: whole.perSecond,
    schedulingMicrosPerMessage: Number(micros.toFixed(1)),
    percentOfACoreAt5000PerSecond: Number(((micros * GOAL_PER_SECOND) / 1e4).toFixed(1)),
    writingMicrosPerMessage: Number(sumOf(writing).toFixed(1)),
    /** With the far ends in memory, and without the profiler. */
    wholeProcessMicrosPerMessage: Number(whole.cpuMicrosPerMessage.toFixed(1)),
    microsPerMessageByFile: byFile,
  };
}

/** In an order in which slow and fast ones come mixed. */
async function beginAll(lanes, count) {
  const steps = (SPREAD_SECONDS * 1000) / STEP_MS;
  const stride = strideOf(count);
  const startedAt = performance.now();
  for (let begun = 0; begun < count; ) {
    const step = Math.min(steps, Math.ceil((performance.now() - startedAt) / STEP_MS));
    for (; begun < Math.ceil((count * step) / steps); begun += 1) {
      lanes.begin((begun * stride) % count);
    }
    await new Promise((done) => setTimeout(done, STEP_MS));
  }
}

/** Visits each of so many once. */
function strideOf(count) {
  let stride = Math.floor(count * 0.618) | 1;
  while (gcd(stride, count) !== 1) stride += 2;
  return stride;
}

function gcd(one, other) {
  return other === 0 ? one : gcd(other, one % other);
}

/** All of its CPU first, then a profile: that is made of samples, whose taking costs as well. */
async function watch(lanes, seconds) {
  const whole = await countedFor(lanes, seconds);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_MICROS });
  await session.post("Profiler.start");
  const profiled = await countedFor(lanes, seconds);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  return { whole, profiled, profile };
}

async function countedFor(lanes, seconds) {
  const before = { at: performance.now(), cpu: process.cpuUsage(), messages: lanes.submitted() };
  await new Promise((done) => setTimeout(done, seconds * 1000));
  const { user, system } = process.cpuUsage(before.cpu);
  const messages = lanes.submitted() - before.messages;
  const wallSeconds = (performance.now() - before.at) / 1000;
  return {
    messages,
    perSecond: perSecond(messages, wallSeconds),
    cpuMicrosPerMessage: (user + system) / messages,
  };
}
