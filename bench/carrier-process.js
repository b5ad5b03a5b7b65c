import { watchIdles } from "./idles.js";

/**
 * `longwave simulate` in a process that ends with the benchmark. It tells how far its clock, from
 * which the submission log stamps, is behind the machine's own, and when asked how late its stamps
 * may be.
 */
const TICK_MS = 2;
const idles = watchIdles(TICK_MS);
process.on("message", () => process.send(idles));
process.on("disconnect", () => process.exit());
process.send({ clockBehindMs: Number(process.hrtime.bigint()) / 1e6 - performance.now() });
await import("../scripts/start.js");
