import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "./cli.ts";
import type { CommandIo } from "./command.ts";
import { createSimulateCommand } from "./simulate.ts";

/** The machine may be busy. */

/** Runs the command until `stop`; a test waits for what it prints. */
function run(...argv: string[]) {
  const written = { out: "", err: "" };
  const terminal = (name: "out" | "err") => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const io: CommandIo = { out: terminal("out"), err: terminal("err"), env: {}, fetch };
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const command = createSimulateCommand(() => stopped);
  return { exitCode: runCommand(["simulate", ...argv], io, [command]), written, stop };
}

test("the simulator says how to reach it, takes a phone's text, and stops when told", async () => {
  const simulate = run(
    "--port",
    "0",
    "--http-port",
    "0",
    "--scenario",
    "flaky",
    "--password",
    "s3",
  );
  await expect.poll(() => simulate.written.out).toContain("Ctrl-C stops");
  expect(simulate.written.out).toMatch(/SMPP 3\.4 +127\.0\.0\.1:\d+/);
  expect(simulate.written.out).toMatch(/system id +simulator\n +password +s3\n +scenario +flaky/);
  const [, url = "", body = ""] = /curl (\S+\/messages) -d '(.+)'/.exec(simulate.written.out) ?? [];
  expect((await fetch(url, { method: "POST", body })).status).toBe(202);
  simulate.stop();
  expect(await simulate.exitCode).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});

test.each([
  [["--scenario", "stormy"], "There is no scenario 'stormy'", "congested"],
  [["--port", "65536"], "--port is '65536'", "from 0 to 65535"],
  [["--seed", "one"], "--seed is 'one'", "from 0 to 4294967295"],
  [["--system-id", "sixteen-letters!"], "--system-id cannot be", "1 to 15 characters"],
  [["--password", ""], "--password cannot be", "1 to 64 characters"],
  [["--manners", "hex,rude"], "There are no manners 'rude'", "docs/simulator.md"],
  [["--tls-key", "carrier.key"], "TLS needs both", "--tls-certificate"],
  [["2775"], "'2775' is no option", "longwave help simulate"],
])("%j is refused with what to give instead", async (argv, what, remedy) => {
  const simulate = run(...argv);
  expect(await simulate.exitCode).toBe(2);
  expect(simulate.written.err).toContain(what);
  expect(simulate.written.err).toContain(remedy);
});

test("a port in use is said with the options that change it", async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  const address = other.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const simulate = run("--port", String(port), "--http-port", "0");
  expect(await simulate.exitCode).toBe(1);
  expect(simulate.written.err).toContain(`A port is in use`);
  expect(simulate.written.err).toContain("--http-port");
  other.close();
});

test("a state folder in use is said with the option that changes it", async () => {
  const state = await mkdtemp(join(tmpdir(), "longwave-simulate-"));
  const first = run("--port", "0", "--http-port", "0", "--state", state);
  await expect.poll(() => first.written.out).toContain(state);
  const second = run("--port", "0", "--http-port", "0", "--state", state);
  expect(await second.exitCode).toBe(1);
  expect(second.written.err).toContain("--state");
  first.stop();
  await first.exitCode;
  await rm(state, { recursive: true });
});
