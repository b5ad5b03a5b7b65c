import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { prepare, root } from "./install.js";

prepare();
const checks = [
  ["biome", ["check", "--error-on-warnings", "."]],
  ["tsc", ["-p", "server"]],
];
let failed = 0;
for (const [program, args] of checks) {
  const path = join(root, "node_modules/.bin", program);
  if (spawnSync(path, args, { cwd: root, stdio: "inherit" }).status !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
