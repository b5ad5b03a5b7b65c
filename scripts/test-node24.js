import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { prepare, root } from "./install.js";

/** `node scripts/test-node24.js`: the SDK tests once more, on Node 24, kept beside the packages. */
prepare();
const folder = join(root, "node_modules/.cache/node24");
const node = join(folder, "node_modules/node/bin/node");
if (versionOf(node) === undefined) {
  process.stderr.write("Fetching Node 24 …\n");
  run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, "node@24"]);
}
const version = versionOf(node);
if (version?.startsWith("v24.") !== true) {
  process.stderr.write(`The npm package node gave ${version ?? "nothing"}, not Node 24.\n`);
  process.exit(1);
}
process.stdout.write(`The SDK tests on Node ${version}\n`);
const tests = ["sdk", "server/test/compat"];
run(node, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...tests]);

function versionOf(program) {
  if (!existsSync(program)) return undefined;
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function run(program, args) {
  const { status } = spawnSync(program, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
