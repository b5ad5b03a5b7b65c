import { join } from "node:path";
import { startLongwave } from "./longwave.js";
import { measure, microsPerMessage, perSecond } from "./measure.js";
import { bulkCount } from "./requests.js";
import { startStage } from "./stage.js";

const SENDER = "+15005550141";
/** As a short code has it. */
const SEGMENTS_PER_SECOND = 100;

export const bulk = {
  summary:
    "messages by requests of 10,000 to a sender of 100 a second; with --no-dispatch nothing leaves",
  options: { count: 100_000, connections: 2, window: 100, "receipt-ms": 100 },
  run: async (options, folder) => {
    const { count, connections, window, profile } = options;
    const stage = await startStage({ receiptMs: options["receipt-ms"] });
    const { carrier } = stage;
    const longwave = await startLongwave({
      ...{ folder: join(folder, "longwave"), carrier, window, profile },
    });
    const connector = options["no-dispatch"] ? "nowhere" : "carrier";
    await longwave.addSender(SENDER, { segmentsPerSecond: SEGMENTS_PER_SECOND, connector });
    const before = longwave.memoryMb();
    const { value, spent, load } = await measure({ ...longwave.cpu, ...stage.cpu }, () =>
      stage.load(bulkLoad(longwave, { from: SENDER, messages: count, connections })),
    );
    const memoryMb = { before: before.longwave, after: longwave.memoryMb().longwave };
    const most = longwave.mostMemoryMb().longwave;
    await longwave.stop();
    const cpuByFolder = longwave.cpuByFolder(value.accepted);
    return {
      rates: { acceptPerSecond: perSecond(value.accepted, value.seconds) },
      messages: {
        ...{ accepted: value.accepted, refused: value.refused },
        seconds: Number(value.seconds.toFixed(1)),
      },
      ...(value.refused > 0 ? { refusedByStatus: value.statuses } : {}),
      answerMs: value.answerMs,
      cpuMicrosPerMessage: microsPerMessage(spent, value.accepted),
      ...{ memoryMb: { ...memoryMb, most }, load },
      ...(cpuByFolder === undefined ? {} : { cpuByFolder }),
    };
  },
};

/** The loader's work for so many messages from a sender. */
export function bulkLoad(longwave, { from, messages, connections }) {
  const count = bulkCount(messages);
  return { ...longwave.target, kind: "bulk", from, messages, count, connections };
}
