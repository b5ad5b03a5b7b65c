import { join } from "node:path";
import { bulkLoad } from "./bulk.js";
import { startLongwave } from "./longwave.js";
import { measure, microsPerMessage, perSecond } from "./measure.js";
import { fillQueue } from "./senders.js";
import { startStage } from "./stage.js";

const CAMPAIGN = "+15005550141";
/** The longest queue that a sender may have: its campaign leaves no faster than this asks. */
const QUEUE_SECONDS_MAX = 36_000;
const SENDER = "+15005550142";
const SEGMENTS_PER_SECOND = 10_000;
const BULK_CONNECTIONS = 2;
const WARM_UP_CAMPAIGN = 20_000;

export const growth = {
  summary: "the whole cycle's rate and Longwave's memory with an empty and with a full queue",
  options: {
    ...{ count: 1_000_000, seconds: 10, "warm-up": 30, connections: 64, rate: 0 },
    ...{ window: 100, "receipt-ms": 100 },
  },
  run: async (options, folder) => {
    const { count, window, profile } = options;
    const stage = await startStage({ receiptMs: options["receipt-ms"] });
    const { carrier } = stage;
    const place = join(folder, "longwave");
    const longwave = await startLongwave({ folder: place, carrier, window, profile });
    const segmentsPerSecond = Math.ceil((count + WARM_UP_CAMPAIGN) / QUEUE_SECONDS_MAX);
    const connector = options["no-dispatch"] ? "nowhere" : "carrier";
    await longwave.addSender(CAMPAIGN, { segmentsPerSecond, connector });
    await longwave.addSender(SENDER, { segmentsPerSecond: SEGMENTS_PER_SECOND });
    const fill = (messages) =>
      stage.load(
        bulkLoad(longwave, { ...{ from: CAMPAIGN, messages, connections: BULK_CONNECTIONS } }),
      );
    const cycle = (seconds) => runCycle(stage, longwave, { ...options, seconds });
    await cycle(options["warm-up"]);
    await fill(WARM_UP_CAMPAIGN);
    const empty = await cycle(options.seconds);
    const filled = options.direct ? await fillQueue(place, [CAMPAIGN], count) : await fill(count);
    const full = await cycle(options.seconds);
    await longwave.stop();
    return {
      empty,
      campaign: {
        ...{ accepted: filled.accepted, refused: filled.refused },
        perSecond: perSecond(filled.accepted, filled.seconds),
      },
      full,
      compared: {
        rateOfEmptyPercent: Math.round((100 * full.submitPerSecond) / empty.submitPerSecond),
        memoryMoreMb: full.memoryMb - empty.memoryMb,
      },
    };
  },
};

async function runCycle(stage, longwave, { seconds, connections, rate }) {
  const load = {
    ...{ ...longwave.target, kind: "message", from: SENDER, callback: stage.callback },
    ...{ connections, rate, seconds },
  };
  const before = await stage.callbacks();
  const submittedBefore = await stage.carrier.submitted();
  const measured = await measure({ ...longwave.cpu, ...stage.cpu }, async () => {
    const sent = await stage.load(load);
    return { sent, came: await stage.drained(before, sent.accepted) };
  });
  const { sent, came } = measured.value;
  const submitted = (await stage.carrier.submitted()) - submittedBefore;
  return {
    wholePerSecond: perSecond(came.delivered, measured.wallSeconds),
    /** With the campaign's, which leaves meanwhile at its own pace. */
    submitPerSecond: perSecond(submitted, measured.wallSeconds),
    ...{ accepted: sent.accepted, refused: sent.refused, callbacks: came.callbacks },
    answerMs: sent.answerMs,
    cpuMicrosPerMessage: microsPerMessage(measured.spent, submitted),
    memoryMb: longwave.memoryMb().longwave,
    load: measured.load,
  };
}
