import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "longwave-install-"));
  write("package-lock.json", "{}");
  const installed = createHash("sha256").update("{}").digest("hex");
  write("node_modules/.longwave-installed", installed);
  write("server/src/main.ts", "");
  write("package.json", '{ "type": "module" }');
  // Instead of the compiler: takes a while, and notes each run.
  write("node_modules/.bin/tsc", "#!/bin/sh\nsleep 0.5\necho built >> builds\n");
  chmodSync(join(folder, "node_modules/.bin/tsc"), 0o755);
  mkdirSync(join(folder, "scripts"));
  cpSync(join(import.meta.dirname, "install.js"), join(folder, "scripts/install.js"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

function write(path: string, content: string): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const builds = () =>
  existsSync(join(folder, "builds")) ? readFileSync(join(folder, "builds"), "utf8") : "";

function prepare(): Promise<number | null> {
  const code = 'import { prepare } from "./scripts/install.js"; prepare();';
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { cwd: folder });
  children.push(child);
  return new Promise((done) => child.once("exit", done));
}

test("of processes that start at once after an upgrade one builds, and the others wait for it", async () => {
  expect(await Promise.all([prepare(), prepare(), prepare()])).toEqual([0, 0, 0]);
  expect(builds()).toBe("built\n");
  expect(await prepare()).toBe(0);
  expect(builds()).toBe("built\n");
});

test("one that was killed while it built holds up nobody", async () => {
  const killed = prepare();
  await expect.poll(() => existsSync(join(folder, ".longwave-installing"))).toBe(true);
  children[0]?.kill("SIGKILL");
  await killed;
  expect(await prepare()).toBe(0);
  expect(existsSync(join(folder, ".longwave-installing"))).toBe(false);
});

test("a start whose database never answers ends with a sentence", async () => {
  cpSync(join(import.meta.dirname, "start.js"), join(folder, "scripts/start.js"));
  write("server/dist/main.js", "export const main = () => new Promise(() => {});");
  const child = spawn(process.execPath, ["scripts/start.js"], { cwd: folder });
  children.push(child);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  expect(await new Promise((done) => child.once("exit", done))).toBe(1);
  expect(said).toContain("Start Longwave again.");
});

test("what there is to benchmark is told before anything is installed", () => {
  const clone = mkdtempSync(join(tmpdir(), "longwave-clone-"));
  for (const part of ["bench", "scripts", "package.json"]) {
    cpSync(join(import.meta.dirname, "..", part), join(clone, part), { recursive: true });
  }
  const told = execFileSync(process.execPath, ["bench/bench.js"], { cwd: clone, encoding: "utf8" });
  expect(told).toContain("whole-cycle");
  rmSync(clone, { recursive: true });
});
