import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { prepare, root } from "./install.js";

prepare();
const { main } = await import(pathToFileURL(join(root, "server/dist/main.js")).href);
const argv = process.argv.slice(2);
process.exit(
  await main(argv.length === 0 ? ["serve"] : argv, {
    ...{ out: process.stdout, err: process.stderr, env: process.env, fetch },
  }),
);
