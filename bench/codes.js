import { join } from "node:path";
import { bulkLoad } from "./bulk.js";
import { latencies } from "./latencies.js";
import { startLongwave } from "./longwave.js";
import { measure, microsPerMessage, perSecond } from "./measure.js";
import { createChild } from "./processes.js";
import { recipient } from "./requests.js";
import { startStage } from "./stage.js";

const CAMPAIGN = "+15005550141";
/** As a short code has it. */
const CAMPAIGN_PER_SECOND = 100;
const CODES = "+15005550142";
/** Far above the load, so that the sender's own limit is not what is measured. */
const CODES_PER_SECOND = 1_000;
const BULK_CONNECTIONS = 2;
/** Nothing new for so long: the rest is not coming. */
const STILL_MS_MAX = 20_000;
const LOOK_MS = 100;

export const codes = {
  summary: "one-time codes from POST to submit_sm: alone, while a campaign comes in, beside it",
  options: {
    ...{ count: 100_000, seconds: 10, "warm-up": 5, connections: 8, rate: 50 },
    ...{ window: 100, "receipt-ms": 100 },
  },
  run: async (options, folder) => {
    const { count, seconds, window, profile } = options;
    const stage = await startStage({ receiptMs: options["receipt-ms"] });
    const { carrier } = stage;
    const longwave = await startLongwave({
      ...{ folder: join(folder, "longwave"), carrier, window, profile },
    });
    await longwave.addSender(CAMPAIGN, { segmentsPerSecond: CAMPAIGN_PER_SECOND });
    await longwave.addSender(CODES, { segmentsPerSecond: CODES_PER_SECOND });
    const bulkLoader = await createChild("loader.js");
    const campaign = bulkLoad(longwave, {
      ...{ from: CAMPAIGN, messages: count, connections: BULK_CONNECTIONS },
    });
    const cpu = { ...longwave.cpu, ...stage.cpu, campaignLoader: bulkLoader.cpu };
    const sender = createCodeSender(stage, longwave, options);
    await sender.sendFor(options["warm-up"]);
    const whole = await measure(cpu, async () => ({
      alone: await sender.sendFor(seconds),
      whileAccepting: await sendBesideCampaign(sender, () => bulkLoader.ask(campaign)),
      besideQueue: await sender.sendFor(seconds),
    }));
    const { alone, whileAccepting, besideQueue } = whole.value;
    const sent = [alone, whileAccepting, besideQueue].reduce((sum, one) => sum + one.codes, 0);
    const accepted = whileAccepting.campaign.accepted;
    const memory = { memoryMb: longwave.memoryMb(), mostMemoryMb: longwave.mostMemoryMb() };
    await longwave.stop();
    const cpuByFolder = longwave.cpuByFolder(accepted + sent);
    return {
      ...{ alone, whileAccepting, besideQueue },
      cpuMicrosPerMessage: microsPerMessage(whole.spent, accepted + sent),
      ...{ ...memory, load: whole.load },
      ...(cpuByFolder === undefined ? {} : { cpuByFolder }),
    };
  },
};

/** Codes for as long as the campaign takes to be accepted. */
async function sendBesideCampaign(sender, acceptCampaign) {
  let isAccepted = false;
  const accepting = acceptCampaign().finally(() => {
    isAccepted = true;
  });
  const codesSent = await sender.sendWhile(() => !isAccepted);
  const { error, accepted, refused, seconds } = await accepting;
  if (error !== undefined) throw new Error(`The campaign stopped: ${error}`);
  return { campaign: { accepted, refused, perSecond: perSecond(accepted, seconds) }, ...codesSent };
}

function createCodeSender(stage, longwave, { rate, connections }) {
  const load = { ...longwave.target, kind: "message", from: CODES, rate, connections, times: true };
  let lastSequence = 0;

  /** From before the first byte of its POST until the simulator has its submit_sm. */
  const timesOf = async (sentAtMs) => {
    const took = [];
    let lastCame = performance.now();
    while (sentAtMs.size > 0 && performance.now() < lastCame + STILL_MS_MAX) {
      const submissions = await stage.carrier.submissionsAfter(lastSequence);
      lastSequence = submissions.at(-1)?.sequence ?? lastSequence;
      for (const { from, to, atMs } of submissions) {
        if (from !== CODES.slice(1) || !sentAtMs.has(to)) continue;
        took.push(atMs - sentAtMs.get(to));
        sentAtMs.delete(to);
        lastCame = performance.now();
      }
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
    return took;
  };

  const sendWhile = async (isOn) => {
    const rounds = [];
    do rounds.push(await stage.load({ ...load, seconds: 1 }));
    while (isOn());
    const sent = rounds.flatMap((one) => one.sent);
    const took = await timesOf(new Map(sent.map(([serial, at]) => [recipient(serial), at])));
    return {
      ...{ codes: sent.length, submitted: took.length },
      refused: rounds.reduce((sum, one) => sum + one.refused, 0),
      toSubmitMs: latencies(took),
      toAnswerMs: latencies(rounds.flatMap((one) => one.answersMs)),
    };
  };

  return {
    sendWhile,
    sendFor: (seconds) => {
      const end = performance.now() + seconds * 1000;
      return sendWhile(() => performance.now() < end);
    },
  };
}
