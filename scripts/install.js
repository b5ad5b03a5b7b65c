import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");
/** Names the process that installs or builds now; the others wait for it. */
const lockFile = join(root, ".longwave-installing");
const LOOK_MS = 100;

/** Installs and builds what is missing or older than its sources; quick when nothing is. */
export function prepare() {
  const lock = hash(readFileSync(join(root, "package-lock.json")));
  once("node_modules/.longwave-installed", lock, "Installing packages", () => run("npm", ["ci"]));
  for (const part of ["server", "sdk"]) build(part);
}

function build(part) {
  const folder = join(root, part, "src");
  if (!existsSync(folder)) return;
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".ts"));
  if (files.length === 0) return;
  const state = files.sort().map((file) => {
    const { mtimeMs, size } = statSync(join(folder, file));
    return `${file} ${mtimeMs} ${size}`;
  });
  once(`${part}/dist/.longwave-built`, hash(state.join("\n")), `Building ${part}`, () =>
    run(join(root, "node_modules/.bin/tsc"), ["-p", join(part, "tsconfig.build.json")]),
  );
}

function once(stampFile, stamp, title, work) {
  const path = join(root, stampFile);
  const isDone = () => existsSync(path) && readFileSync(path, "utf8") === stamp;
  if (isDone()) return;
  lock();
  try {
    if (isDone()) return;
    process.stderr.write(`${title} …\n`);
    work();
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, stamp);
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Waits while another process that lives has it. */
function lock() {
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = existsSync(lockFile) ? Number(readFileSync(lockFile, "utf8")) : 0;
    if (holder > 0 && !lives(holder)) rmSync(lockFile, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Shows the output only when the program fails. */
function run(program, args) {
  try {
    execFileSync(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    process.stderr.write(`${error.stdout}${error.stderr}`);
    process.stderr.write(`${program} ${args.join(" ")} failed; its output is above.\n`);
    rmSync(lockFile, { force: true });
    process.exit(1);
  }
}

function hash(content) {
  return createHash("sha256").update(content).digest("hex");
}
