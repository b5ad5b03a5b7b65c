import { cpus } from "node:os";
import { join } from "node:path";
import { asNice, pinnedTo } from "./cores.js";
import { missingOfKannel, startKannel } from "./kannel.js";
import { rolesOf, startLongwave } from "./longwave.js";
import { measure, microsPerMessage, perSecond } from "./measure.js";
import { numberOption, refuse } from "./options.js";
import { startStage } from "./stage.js";

const SENDER = "+15005550142";
/** As much as a sender may have: the platform is to be the limit. */
const SEGMENTS_PER_SECOND = 10_000;

export const wholeCycle = {
  summary: "one request a message, stored, over SMPP, receipt, two callbacks received",
  options: {
    ...{ seconds: 10, "warm-up": 30, connections: 64, rate: 0 },
    ...{ window: 100, "receipt-ms": 100, rounds: 3, processes: 1 },
  },
  run: async (options, folder) => {
    if (options.cores !== undefined) return grow(options, folder);
    if (options.peer === undefined) {
      const stage = await startStage({ receiptMs: options["receipt-ms"] });
      return runLongwave(stage, options, join(folder, "longwave"));
    }
    return alternate(options, folder);
  },
};

/** With one process after another more, each new, with the same carrier, loader and callback server. */
async function grow(options, folder) {
  const most = options.cores === true ? cpus().length : numberOption("cores");
  const counts = Object.keys(rolesOf)
    .map(Number)
    .filter((count) => count <= most);
  if (counts.length === 0) refuse(`--cores is '${options.cores}'. Give 1 or more.`);
  const stage = await startStage({ receiptMs: options["receipt-ms"] });
  const rounds = [];
  for (const processes of counts) {
    const cores = Math.min(processes, cpus().length);
    const pinned = pinnedTo(cores);
    process.stderr.write(`Round ${processes} of ${counts.length} …\n`);
    const place = join(folder, `longwave-${processes}`);
    const result = await runLongwave(stage, { ...options, processes, pinned }, place);
    rounds.push({ processes, pinnedToCores: pinned.length > 0 ? cores : "none", ...result });
  }
  const [{ rates: first }] = rounds;
  const byProcesses = rounds.map(({ processes, rates, platformCpuMicrosPerMessage }) => [
    processes === 1 ? "1 process" : `${processes} processes`,
    {
      perSecond: rates.wholePerSecond,
      cpuMicros: platformCpuMicrosPerMessage,
      ratio: Number((rates.wholePerSecond / first.wholePerSecond).toFixed(2)),
    },
  ]);
  return { rounds, byProcesses: Object.fromEntries(byProcesses) };
}

/** Both platforms in turn, each new, with the same carrier, loader and callback server. */
async function alternate(options, folder) {
  if (options.peer !== "kannel") refuse(`There is no peer '${options.peer}'. There is kannel.`);
  const missing = missingOfKannel();
  if (missing !== undefined) refuse(missing);
  const stage = await startStage({ receiptMs: options["receipt-ms"] });
  const rounds = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    process.stderr.write(`Round ${round} of ${options.rounds} …\n`);
    rounds.push({
      longwave: await runLongwave(stage, options, join(folder, `longwave-${round}`)),
      kannel: await runKannel(stage, options, join(folder, `kannel-${round}`)),
    });
  }
  const compare = (read) => {
    const longwave = median(rounds.map((round) => read(round.longwave)));
    const kannel = median(rounds.map((round) => read(round.kannel)));
    return { longwave, kannel, ratio: Number((longwave / kannel).toFixed(2)) };
  };
  return {
    rounds,
    mediansCompared: {
      wholePerSecond: compare(({ rates }) => rates.wholePerSecond),
      acceptPerSecond: compare(({ rates }) => rates.acceptPerSecond),
      acceptP99Ms: compare(({ answerMs }) => answerMs.p99),
      platformCpuMicrosPerMessage: compare((one) => one.platformCpuMicrosPerMessage),
    },
  };
}

async function runLongwave(stage, options, folder) {
  const { window, profile, processes, pinned } = options;
  const { carrier } = stage;
  const longwave = await startLongwave({ folder, carrier, window, profile, processes, pinned });
  await longwave.addSender(SENDER, { segmentsPerSecond: SEGMENTS_PER_SECOND });
  const result = await runCycle(stage, longwave, { ...options, kind: "message" });
  await longwave.stop();
  const cpuByFolder = longwave.cpuByFolder(result.messages.accepted + result.messages.toWarmUp);
  return cpuByFolder === undefined ? result : { ...result, cpuByFolder };
}

async function runKannel(stage, options, folder) {
  const { carrier, callback } = stage;
  const { window } = options;
  // With all their threads: any may be the one that the others wait for.
  const before = asNice();
  const kannel = await startKannel({ folder, carrier, window, callback, before });
  const result = await runCycle(stage, kannel, { ...options, kind: "sendsms" });
  await kannel.stop();
  return result;
}

/** Until the last callback has come, so a platform gains nothing by accepting what it cannot send. */
async function runCycle(stage, platform, options) {
  const { seconds, connections, rate, kind } = options;
  const load = {
    ...{ ...platform.target, from: SENDER, callback: stage.callback },
    ...{ connections, rate, kind },
  };
  const start = await stage.callbacks();
  const warmUp = await stage.load({ ...load, seconds: options["warm-up"] });
  await stage.drained(start, warmUp.accepted);
  const before = await stage.callbacks();
  const measured = await measure({ ...platform.cpu, ...stage.cpu }, async () => {
    const sent = await stage.load({ ...load, seconds });
    return { sent, came: await stage.drained(before, sent.accepted) };
  });
  const { value, wallSeconds, spent } = measured;
  const { sent, came } = value;
  const micros = microsPerMessage(spent, sent.accepted);
  return {
    platform: platform.name,
    rates: {
      wholePerSecond: perSecond(came.delivered, wallSeconds),
      acceptPerSecond: perSecond(sent.accepted, sent.seconds),
      callbacksPerSecond: perSecond(came.callbacks, wallSeconds),
    },
    messages: {
      ...{ accepted: sent.accepted, refused: sent.refused, toWarmUp: warmUp.accepted },
      ...{ delivered: came.delivered, callbacks: came.callbacks, wallSeconds: round(wallSeconds) },
      requestsPerConnection: perSecond(sent.accepted + sent.refused, sent.connections),
    },
    ...(sent.refused > 0 ? { refusedByStatus: sent.statuses } : {}),
    answerMs: sent.answerMs,
    cpuMicrosPerMessage: micros,
    platformCpuMicrosPerMessage: Object.keys(platform.cpu).reduce(
      (sum, name) => sum + micros[name],
      0,
    ),
    ...{ memoryMb: platform.memoryMb(), mostMemoryMb: platform.mostMemoryMb() },
    load: measured.load,
  };
}

function median(values) {
  const sorted = values.toSorted((one, two) => one - two);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function round(seconds) {
  return Number(seconds.toFixed(1));
}
