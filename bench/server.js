import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepare, root } from "../scripts/install.js";
import { cpuOf, cpuOfDescendants, memoryMbOf } from "./cpu.js";

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 30_000;
const accountSid = `AC${"b".repeat(32)}`;
const authToken = "b".repeat(32);

/** A Longwave of its own in a new folder, with the embedded PostgreSQL and the simulator. */
export async function startServer({ profile = false, env = {} } = {}) {
  prepare();
  const folder = mkdtempSync(join(tmpdir(), "longwave-bench-"));
  chmodSync(folder, 0o755); // as root the cluster lies in it only when PostgreSQL's user may enter
  const profileFolder = join(folder, "profile");
  const flags = profile ? ["--cpu-prof", "--cpu-prof-dir", profileFolder] : [];
  const child = spawn(process.execPath, [...flags, join(root, "scripts/start.js"), "serve"], {
    env: {
      ...{ PATH: process.env.PATH, PORT: "0", LONGWAVE_SIMULATOR_HTTP_PORT: "0" },
      ...{ LONGWAVE_DATA_DIR: join(folder, "data"), LONGWAVE_ACCOUNT_SID: accountSid },
      ...{ LONGWAVE_AUTH_TOKEN: authToken, ...env },
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await addressOf(child);
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;
  const call = async (method, path, json) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    ...{ url, accountSid, authorization, call, folder, profileFolder, pid: child.pid },
    /** A long code of the simulator at this rate for the account; 55501 is its short code. */
    addSender: async (number, segmentsPerSecond) => {
      const isShort = !number.startsWith("+");
      const row = { number, kind: isShort ? "short_code" : "long_code", country: "US" };
      await call("POST", "/longwave/v1/Inventory", {
        numbers: [{ ...row, connector: "simulator", segments_per_second: segmentsPerSecond }],
      });
      if (isShort) return;
      const form = new URLSearchParams({ PhoneNumber: number });
      await fetch(`${url}/2010-04-01/Accounts/${accountSid}/IncomingPhoneNumbers.json`, {
        ...{ method: "POST", headers: { authorization }, body: form },
      });
    },
    cpu: () => ({ longwave: cpuOf(child.pid), postgres: cpuOfDescendants(child.pid) }),

    memoryMb: () => memoryMbOf(child.pid),
    stop: () =>
      new Promise((done) => {
        const finish = () => {
          if (!profile) rmSync(folder, { recursive: true, force: true });
          done();
        };
        if (child.exitCode !== null || child.signalCode !== null) return finish();
        const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
        child.once("exit", () => {
          clearTimeout(timer);
          finish();
        });
        child.kill("SIGTERM");
      }),
  };
}

function addressOf(child) {
  return new Promise((done, fail) => {
    let output = "";
    const timer = setTimeout(() => fail(new Error("Longwave did not start.")), START_MS_MAX);
    child.once("exit", (code) => fail(new Error(`Longwave ended with code ${code}.`)));
    child.stdout.on("data", (chunk) => {
      output += chunk;
      const address = /listens at (\S+)/.exec(output)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      done(address);
    });
  });
}
