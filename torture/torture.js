/**
 * Kills what can be killed, at random moments under load, and then compares sets: every text that
 * was answered with 201 must have been submitted and delivered, nobody got one twice but from
 * claims that were open at a kill, and no limit was exceeded. The verdict is the exit code.
 *
 *   npm run torture -- --seconds 60 --seed 1
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { numberOption, options } from "../bench/options.js";
import { prepare } from "../scripts/install.js";
import { createFaults } from "./faults.js";
import { startLoad } from "./load.js";
import { createLongwave } from "./longwave.js";
import { startSimulator } from "./simulator.js";
import { createSink } from "./sink.js";
import { judge } from "./verdict.js";

/** A callback that was under way in a process that was killed comes again after two minutes. */
const DRAIN_MS_MAX = 150_000;

const seconds = numberOption("seconds", 60);
const seed = numberOption("seed", Math.floor(Math.random() * 1e6));
const postsPerSecond = numberOption("rate", 150);
const segmentsPerSecond = numberOption("limit", 200);

prepare();
const folder = mkdtempSync(join(tmpdir(), "longwave-torture-"));
chmodSync(folder, 0o755); // as root the cluster lies in it only when PostgreSQL's user may enter
const dataDir = join(folder, "data");
mkdirSync(dataDir);
say(
  `Seed ${seed}, ${seconds} seconds, ${postsPerSecond} texts a second, limit ${segmentsPerSecond}.`,
);

const simulator = await startSimulator();
const sink = await createSink();
const longwave = await createLongwave({ dataDir, simulator, segmentsPerSecond });
const load = startLoad({ longwave, sink, postsPerSecond });
const faults = createFaults({ longwave, seed, say });
let code = 1;
try {
  const inDoubt = await faults.during(seconds * 1000);
  const posted = await load.stop();
  await settled(posted.accepted);
  const evidence = {
    ...{ posted, inDoubt, segmentsPerSecond },
    submissions: await simulator.submissions(),
    stalls: await simulator.stalls(),
    statuses: await longwave.statuses(),
    delivered: sink.delivered,
  };
  const verdict = judge(evidence);
  for (const line of verdict.lines) say(line);
  code = verdict.faults === 0 ? 0 : 1;
  say(code === 0 ? "Verdict: nothing lost, nothing twice." : `Verdict: ${verdict.faults} faults.`);
} finally {
  await longwave.stop();
  simulator.stop();
  sink.close();
  if (code === 0 && options.keep === undefined) rmSync(folder, { recursive: true, force: true });
  else say(`Kept: ${folder}`);
}
process.exit(code);

/** Waits until every accepted text was told delivered, or no more comes. */
async function settled(accepted) {
  const deadline = performance.now() + DRAIN_MS_MAX;
  for (;;) {
    if ([...accepted.keys()].every((sid) => sink.delivered.has(sid))) return;
    if (performance.now() > deadline) return;
    await new Promise((done) => setTimeout(done, 200));
  }
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
