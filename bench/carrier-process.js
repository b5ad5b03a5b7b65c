/**
 * `longwave simulate` in a process that ends with the benchmark. It tells how far its clock, from
 * which the submission log stamps, is behind the machine's own.
 */
process.on("disconnect", () => process.exit());
process.send({ clockBehindMs: Number(process.hrtime.bigint()) / 1e6 - performance.now() });
await import("../scripts/start.js");
