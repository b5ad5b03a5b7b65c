import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { prepare, root } from "./install.js";

/** `node scripts/fuzz.js [requests] [seed]`: many more random requests than the tests send. */
prepare();
const [requests = "50000", seed] = process.argv.slice(2);
const env = { ...process.env, LONGWAVE_FUZZ_REQUESTS: requests };
if (seed !== undefined) env.LONGWAVE_FUZZ_SEED = seed;
const args = ["run", "--project", "db", "server/test/compat/fuzz.db.test.ts"];
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, ...args], {
  ...{ cwd: root, stdio: "inherit", env },
});
process.exit(status ?? 1);
