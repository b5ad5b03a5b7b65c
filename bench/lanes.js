import { join } from "node:path";
import { latenessOf } from "./idles.js";
import { startLongwave } from "./longwave.js";
import { measure, microsPerMessage, perSecond } from "./measure.js";
import { addSenders, senderNumber } from "./senders.js";
import { startStage } from "./stage.js";

/** Of ten thousand lanes: how many have which rate, in segments a second. */
const shares = [
  { share: 0.9, rate: 0.05 },
  { share: 0.09, rate: 0.5 },
  { share: 0.008, rate: 3 },
  { share: 0.002, rate: 18 },
];
const BULK_CONNECTIONS = 2;
const LOOK_MS = 500;
/** Nothing new for so long: the rest is not coming. */
const STILL_MS_MAX = 60_000;
/** A lane of fewer segments has no rate to speak of. */
const SEGMENTS_MIN = 3;
const PERCENT_BELOW = 1;

export const lanes = {
  summary: "thousands of lanes of mixed rates at once: does each keep its own, and none exceed it",
  options: { lanes: 10_000, seconds: 60, window: 1_000, "receipt-ms": 100 },
  run: async (options, folder) => {
    const { seconds, window, profile } = options;
    const stage = await startStage({ receiptMs: options["receipt-ms"] });
    const { carrier } = stage;
    const place = join(folder, "longwave");
    const longwave = await startLongwave({ folder: place, carrier, window, profile });
    const senders = sendersOf(options.lanes);
    await addSenders(longwave, place, senders);
    const messages = senders.flatMap(({ number, rate }) =>
      Array.from({ length: Math.ceil(rate * seconds) + 1 }, () => number),
    );
    const load = {
      ...{ ...longwave.target, kind: "mixedBulk", senders: messages },
      ...{ count: Math.ceil(messages.length / 10_000), connections: BULK_CONNECTIONS },
    };
    const whole = await measure({ ...longwave.cpu, ...stage.cpu }, async () => {
      const sent = await stage.load(load);
      return { sent, all: await submittedAll(carrier, sent.accepted) };
    });
    const { sent, all } = whole.value;
    const idles = await carrier.idles();
    await longwave.stop();
    const cpuByFolder = longwave.cpuByFolder(all.length);
    return {
      messages: { accepted: sent.accepted, refused: sent.refused, submitted: all.length },
      rates: {
        acceptPerSecond: perSecond(sent.accepted, sent.seconds),
        submitPerSecond: perSecond(all.length, spanOf(all) / 1000),
      },
      lanes: verdictOn(senders, all, idles),
      cpuMicrosPerMessage: microsPerMessage(whole.spent, all.length),
      load: whole.load,
      ...(cpuByFolder === undefined ? {} : { cpuByFolder }),
    };
  },
};

function sendersOf(count) {
  return ratesOf(count).map((rate, index) => ({ number: senderNumber(index), rate }));
}

/** The slowest first. */
export function ratesOf(count) {
  return shares.flatMap(({ share, rate }) =>
    Array.from({ length: Math.round(share * count) }, () => rate),
  );
}

/** Asks only for their number meanwhile: while the simulator lists them it reads nothing. */
async function submittedAll(carrier, count) {
  let taken = 0;
  let lastCame = performance.now();
  while (taken < count && performance.now() < lastCame + STILL_MS_MAX) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const now = await carrier.submitted();
    if (now > taken) lastCame = performance.now();
    taken = now;
  }
  return carrier.submissionsAfter(0);
}

function spanOf(all) {
  return (all.at(-1)?.atMs ?? 0) - (all[0]?.atMs ?? 0);
}

/** Every window of every lane, and its rate from its first segment to its last. */
function verdictOn(senders, all, idles) {
  const timesOf = new Map(senders.map(({ number }) => [number, []]));
  for (const { from, atMs } of all) timesOf.get(`+${from}`)?.push(atMs);
  const short = [];
  let tooSlow = 0;
  let judged = 0;
  let slowest = 100;
  for (const { number, rate } of senders) {
    const times = timesOf.get(number);
    short.push(...shortWindows(times, rate, idles));
    if (times.length < SEGMENTS_MIN) continue;
    judged += 1;
    const measured = ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
    const percent = (100 * measured) / rate;
    slowest = Math.min(slowest, percent);
    if (percent < 100 - PERCENT_BELOW) tooSlow += 1;
  }
  return {
    count: senders.length,
    /** By the simulator's stamps: also what it was held up to read, and read late and in one go. */
    windowsTooShort: short.length,
    mostTooShortMs: mostOf(short.map(({ ms }) => ms)),
    /** However late its stamps may be. */
    certainlyTooShort: short.filter(({ ms, lateMs }) => ms > lateMs).length,
    mostCertainlyTooShortMs: mostOf(short.map(({ ms, lateMs }) => ms - lateMs)),
    judged,
    moreThanOnePercentBelow: tooSlow,
    slowestPercentOfItsRate: Number(slowest.toFixed(2)),
  };
}

/**
 * Of rate r, r + 1 segments span at least a second; below one a second, two span 1/r seconds. By how many
 * milliseconds each window is shorter that is, and by how many its first stamp may be late.
 */
function shortWindows(times, rate, idles) {
  const length = Math.max(1, Math.floor(rate));
  const spanMs = Math.max(1000, 1000 / rate);
  return times.flatMap((at, index) => {
    const first = times[index - length];
    const ms = first === undefined ? 0 : spanMs - (at - first);
    return ms > 0 ? [{ ms, lateMs: latenessOf(idles, first) }] : [];
  });
}

function mostOf(all) {
  return Number(Math.max(0, ...all).toFixed(2));
}
