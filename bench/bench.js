/** Benchmarks of Longwave: `npm run bench` lists them, `npm run bench -- NAME` runs one. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accept } from "./accept.js";
import { bulk } from "./bulk.js";
import { codes } from "./codes.js";
import { growth } from "./growth.js";
import { lanes } from "./lanes.js";
import { describeMachine } from "./machine.js";
import { numberOption, options, words } from "./options.js";
import { endAll, startKeeper } from "./processes.js";
import { schedulingOfLanes } from "./scheduling.js";
import { segments } from "./segments.js";
import { tableOf } from "./table.js";
import { takeover } from "./takeover.js";
import { wholeCycle } from "./whole-cycle.js";

const benchmarks = {
  "whole-cycle": wholeCycle,
  accept,
  bulk,
  codes,
  growth,
  lanes,
  scheduling: schedulingOfLanes,
  takeover,
  segments,
};
const switches = ["json", "profile", "no-dispatch", "direct"];
const texts = ["peer", "folder", "cores", "nice"];

const help = `npm run bench -- NAME [options]

${Object.entries(benchmarks)
  .map(([name, { summary, options }]) => `  ${name.padEnd(12)} ${summary}\n${optionsLine(options)}`)
  .join("\n")}

  --connections  of the loader, kept, one request at a time on each
  --rate         requests a second over all of them; 0: as fast as answers come
  --window       submissions under way at once on the one bind
  --warm-up      seconds of the same load before, which are not counted: V8 compiles for some thirty
  --receipt-ms   the middle of the time until the carrier's receipt
  --processes    whole-cycle: 1, or 2 or 3 with the roles divided among them
  --cores N      whole-cycle: in turn with 1, 2, … N processes (3 at most; without N as many as there are
                 cores), Longwave and PostgreSQL on so many cores, the first ones, where there is taskset
  --peer kannel  whole-cycle: Longwave and Kannel in turn, --rounds times each
  --nice N       the first thread of each of Longwave's processes, and all threads of Kannel's, are so nice: with
                 -5, as root, they have three times the share of PostgreSQL's processes and the far ends
  --no-dispatch  accept, bulk: the connector never binds
  --direct       growth, takeover: the queue is filled by statements instead of requests
  --profile      also Longwave's CPU by folder of its source
  --json         JSON instead of a table
  --folder       where the data lies while it runs; its disk is probed

Each starts what it needs on free ports with data in a folder of its own, and leaves nothing.
bench/RESULTS.md tells how to read the figures, and some that were measured.
`;

function optionsLine(named) {
  const shown = Object.entries(named).map(([name, value]) => `--${name} ${value}`);
  return `${" ".repeat(15)}${shown.join(" ")}`;
}

let isEnding = false;
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
]) {
  process.on(signal, () => end(code));
}
process.on("uncaughtException", (error) => {
  if (!isEnding) process.stderr.write(`${error.stack}\n`);
  void end(1);
});

const [name, ...rest] = words;
const benchmark = Object.hasOwn(benchmarks, name ?? "") ? benchmarks[name] : undefined;
if (benchmark === undefined || options.help) {
  const isAsked = name === undefined || options.help;
  process[isAsked ? "stdout" : "stderr"].write(
    isAsked
      ? help
      : `There is no benchmark '${name}'. There are ${Object.keys(benchmarks).join(", ")}.\n`,
  );
  process.exit(isAsked ? 0 : 1);
}
const given = readOptions();
const folder = mkdtempSync(join(options.folder ?? tmpdir(), "longwave-bench-"));
chmodSync(folder, 0o755); // as root the cluster lies in it only when PostgreSQL's user may enter
startKeeper(folder);
await run();

async function run() {
  try {
    const machine = await describeMachine(folder);
    const figures = await benchmark.run(given, folder);
    const result = { benchmark: name, options: given, machine, ...figures };
    process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : tableOf(result));
    await end(0);
  } catch (error) {
    if (!isEnding) process.stderr.write(`${error.stack}\n`);
    await end(1);
  }
}

/** Its own options with their defaults, and the shared ones; a wrong name ends the benchmark. */
function readOptions() {
  const known = [...Object.keys(benchmark.options), ...switches, ...texts];
  const unknown = [
    ...Object.keys(options).filter((option) => !known.includes(option)),
    ...rest.map((word) => `'${word}'`),
  ];
  if (unknown.length > 0) {
    process.stderr.write(
      `${name} has no ${unknown.join(", ")}. It has ${known.map((one) => `--${one}`).join(", ")}.\n`,
    );
    process.exit(1);
  }
  const numbers = Object.entries(benchmark.options).map(([option, fallback]) => [
    option,
    numberOption(option, fallback),
  ]);
  const others = [...switches, ...texts].filter((option) => options[option] !== undefined);
  return {
    ...Object.fromEntries(numbers),
    ...Object.fromEntries(others.map((option) => [option, options[option]])),
  };
}

async function end(code) {
  if (isEnding) return;
  isEnding = true;
  await endAll();
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}
