import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { prepare, root } from "./install.js";

/** `node scripts/run-bench.js NAME …`: compiles bench/NAME.ts, which Node 20 cannot read, and runs it. */
prepare();
const [name = "", ...args] = process.argv.slice(2);
const tsc = join(root, "node_modules/.bin/tsc");
const compiled = spawnSync(tsc, ["-p", "bench"], { cwd: root, stdio: "inherit" });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
const folder = join(root, "node_modules/.cache/bench");
writeFileSync(join(folder, "package.json"), '{"type":"module"}');
const file = join(folder, "bench", `${name}.js`);
const { status } = spawnSync(process.execPath, ["--expose-gc", file, ...args], {
  ...{ cwd: root, stdio: "inherit" },
});
process.exit(status ?? 1);
