import { join } from "node:path";
import { startLongwave } from "./longwave.js";
import { measure, microsPerMessage, perSecond } from "./measure.js";
import { startStage } from "./stage.js";

const SENDER = "+15005550142";
const SEGMENTS_PER_SECOND = 10_000;

export const accept = {
  summary: "POST to 201, without callbacks; with --no-dispatch nothing leaves",
  options: {
    ...{ seconds: 10, "warm-up": 5, connections: 64, rate: 0 },
    ...{ window: 100, "receipt-ms": 100 },
  },
  run: async (options, folder) => {
    const { seconds, connections, rate, window, profile } = options;
    const stage = await startStage({ receiptMs: options["receipt-ms"] });
    const { carrier } = stage;
    const longwave = await startLongwave({
      ...{ folder: join(folder, "longwave"), carrier, window, profile },
    });
    const connector = options["no-dispatch"] ? "nowhere" : "carrier";
    await longwave.addSender(SENDER, { segmentsPerSecond: SEGMENTS_PER_SECOND, connector });
    const load = { ...longwave.target, kind: "message", from: SENDER, connections, rate };
    const warmUp = await stage.load({ ...load, seconds: options["warm-up"] });
    const { value, spent, ...measured } = await measure({ ...longwave.cpu, ...stage.cpu }, () =>
      stage.load({ ...load, seconds }),
    );
    const memoryMb = longwave.memoryMb();
    const mostMemoryMb = longwave.mostMemoryMb();
    await longwave.stop();
    const cpuByFolder = longwave.cpuByFolder(value.accepted + warmUp.accepted);
    return {
      rates: { acceptPerSecond: perSecond(value.accepted, value.seconds) },
      messages: { accepted: value.accepted, refused: value.refused, toWarmUp: warmUp.accepted },
      ...(value.refused > 0 ? { refusedByStatus: value.statuses } : {}),
      answerMs: value.answerMs,
      cpuMicrosPerMessage: microsPerMessage(spent, value.accepted),
      ...{ memoryMb, mostMemoryMb, load: measured.load },
      ...(cpuByFolder === undefined ? {} : { cpuByFolder }),
    };
  },
};
