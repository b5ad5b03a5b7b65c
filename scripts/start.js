import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./install.js";

prepare();
// Node's own code for a program that waits for something that nothing will bring any more.
const NOTHING_LEFT = 13;
process.once("exit", () => {
  if (process.exitCode !== NOTHING_LEFT) return;
  process.stderr.write(
    "PostgreSQL closed a connection before it answered. Start Longwave again.\n",
  );
  process.exit(1);
});
const { main } = await import(pathToFileURL(join(root, "server/dist/main.js")).href);
const argv = process.argv.slice(2);
process.exit(
  await main(argv.length === 0 ? ["serve"] : argv, {
    ...{ out: process.stdout, err: process.stderr, env: process.env, fetch },
  }),
);
