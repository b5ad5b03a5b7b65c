/**
 * The long form of server/test/fuzz-smpp: millions of inputs, with the memory before and after.
 * node scripts/run-bench.js fuzz-smpp [millions] [seed]
 */
import { fuzzDecoder, fuzzSessions } from "../server/test/fuzz-smpp/fuzz.ts";

const [, , millions = "10", seed = "1"] = process.argv;
const INPUTS_PER_ROUND = 250_000;
const SESSION_INPUTS_PER_ROUND = 5_000;
const rounds = (Number(millions) * 1_000_000) / INPUTS_PER_ROUND;

function memory(): string {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const mb = (bytes: number) => (bytes / 1_048_576).toFixed(0);
  return `${mb(rss)} MB resident, ${mb(heapUsed)} MB heap, ${mb(external)} MB external`;
}

fuzzDecoder(Number(seed), INPUTS_PER_ROUND);
console.log(`before: ${memory()}`);
const startedAt = performance.now();
const total = { inputs: 0, pdus: 0, errors: 0, fatal: 0, sessions: 0 };
for (let round = 0; round < rounds; round += 1) {
  const tally = fuzzDecoder(Number(seed) + round, INPUTS_PER_ROUND);
  const sessions = await fuzzSessions(Number(seed) + round, SESSION_INPUTS_PER_ROUND);
  total.inputs += tally.inputs + sessions.inputs;
  total.pdus += tally.pdus;
  total.errors += tally.errors;
  total.fatal += tally.fatal;
  total.sessions += sessions.opened;
}
console.log(`after:  ${memory()}`);
console.log(total, `${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
