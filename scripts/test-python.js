import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { prepare, root } from "./install.js";

/**
 * `node scripts/test-python.js`: the examples of README.md and docs/clients/python.md, and what
 * Twilio's SDK makes of our answers. Debian's package of it is installed where that can be done;
 * else Python's is skipped, in words.
 */
prepare();
if (!hasSdk() && process.getuid?.() === 0) {
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "python3-twilio"], {
    stdio: "ignore",
  });
}
if (!hasSdk()) process.stdout.write("Python's example is skipped: python3-twilio is not here.\n");
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const tests = ["examples", "python-sdk"].map((name) => `server/test/compat/${name}.db.test.ts`);
const args = [vitest, "run", "--project", "db", ...tests];
process.exit(spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1);

function hasSdk() {
  return ["/usr/bin/python3", "python3"].some(
    (python) => spawnSync(python, ["-c", "import twilio"]).status === 0,
  );
}
