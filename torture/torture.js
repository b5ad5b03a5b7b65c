/**
 * Breaks what can be broken, at random moments under load: processes are killed and frozen, clocks
 * stepped, PostgreSQL killed, connections cut and answers lost. Then it compares sets: every text
 * that was answered with 201 must have been submitted and delivered, nobody got one twice but from
 * claims that were open when their process lost its right, and no limit was exceeded. The verdict
 * is the exit code.
 *
 *   npm run torture -- --seconds 60 --seed 1 --processes 3
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { numberOption, options } from "../bench/options.js";
import { prepare } from "../scripts/install.js";
import { createFaults } from "./faults.js";
import { startLoad } from "./load.js";
import { notedErrors } from "./longwave.js";
import { startSimulator } from "./simulator.js";
import { createSink } from "./sink.js";
import { judge } from "./verdict.js";

/** A callback that was under way in a process that was killed comes again after two minutes. */
const SILENCE_MS_MAX = 180_000;
const SENDER_COUNT = 8;

const seconds = numberOption("seconds", 60);
const seed = numberOption("seed", Math.floor(Math.random() * 1e6));
const count = numberOption("processes", 3);
const postsPerSecond = numberOption("rate", 150);
const segmentsPerSecond = numberOption("limit", 25);

prepare();
// The client library tells of a connection that broke while it was written to in this way only.
process.on("unhandledRejection", (error) => {
  if (!["EPIPE", "ECONNRESET"].includes(error?.code)) throw error;
});
const { startDatabase } = await import("./database.js");
const { startFleet } = await import("./fleet.js");
const folder = mkdtempSync(join(tmpdir(), "longwave-torture-"));
chmodSync(folder, 0o755); // as root the cluster lies in it only when PostgreSQL's user may enter
const dataDir = join(folder, "data");
mkdirSync(dataDir);
const senders = Array.from({ length: SENDER_COUNT }, (_, index) => ({
  ...{ number: `+1500555010${index}`, segmentsPerSecond },
}));

const simulator = await startSimulator();
const sink = await createSink();
const database = await startDatabase(dataDir);
say(
  `Seed ${seed}, ${seconds} seconds, ${count} processes, ${postsPerSecond} texts a second, ${SENDER_COUNT} senders of ${segmentsPerSecond}, ${database.hasPgbouncer ? "with" : "without"} pgbouncer.`,
);
let code = 1;
let fleet;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(signal, () => void end().then(() => process.exit(1)));
try {
  fleet = await startFleet({ count, folder: dataDir, database, simulator, senders, say });
  await database.noteDoubts();
  const load = startLoad({ fleet, sink, senders, postsPerSecond });
  const faults = createFaults({ fleet, database, simulator, seed, say });
  const beganAtMs = performance.timeOrigin + performance.now() - simulator.originMs;
  const counts = await faults.during(seconds * 1000);
  say(`Faults: ${[...counts].map(([name, times]) => `${times} ${name}`).join(", ")}.`);
  const posted = await load.stop();
  await settled(posted.accepted);
  const verdict = judge({
    ...{ posted, segmentsPerSecond, beganAtMs },
    doubts: await database.notedDoubts(),
    submissions: await simulator.submissions(),
    idles: await simulator.idles(),
    statuses: await fleet.statuses(),
    delivered: sink.delivered,
  });
  for (const line of verdict.lines) say(line);
  code = verdict.faults === 0 ? 0 : 1;
  say(code === 0 ? "Verdict: nothing lost, nothing twice." : `Verdict: ${verdict.faults} faults.`);
  if (code !== 0 || options.errors) for (const line of notedErrors()) say(`  ${line}`);
} finally {
  await end();
}
process.exit(code);

async function end() {
  await fleet?.stop();
  await database.stop();
  simulator.stop();
  sink.close();
  if (code === 0 && options.keep === undefined) rmSync(folder, { recursive: true, force: true });
  else say(`Kept: ${folder}`);
}

/** Waits until every accepted text was told delivered, or no more comes, however slow the machine. */
async function settled(accepted) {
  let told = 0;
  let toldAtMs = performance.now();
  for (;;) {
    if ([...accepted.keys()].every((sid) => sink.delivered.has(sid))) return;
    if (sink.delivered.size > told) {
      told = sink.delivered.size;
      toldAtMs = performance.now();
    }
    if (performance.now() > toldAtMs + SILENCE_MS_MAX) return;
    await new Promise((done) => setTimeout(done, 200));
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
