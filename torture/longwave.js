import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/install.js";
import { connectDirect } from "../server/dist/db/connect.js";
import { startEmbedded } from "../server/dist/db/embedded.js";

const START_MS_MAX = 60_000;
const SENDER = "+15005550199";
const accountSid = `AC${"7".repeat(32)}`;
const authToken = "7".repeat(32);
const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`;

/** One Longwave with its embedded PostgreSQL, to be killed and started again. */
export async function createLongwave({ dataDir, simulator, segmentsPerSecond }) {
  let child;
  let url;

  const start = async () => {
    child = spawn(process.execPath, [join(root, "scripts/start.js"), "serve"], {
      env: {
        ...{ PATH: process.env.PATH, PORT: String(url ? new URL(url).port : 0) },
        ...{ LONGWAVE_DATA_DIR: dataDir, LONGWAVE_SIMULATOR: "off" },
        ...{ LONGWAVE_ACCOUNT_SID: accountSid, LONGWAVE_AUTH_TOKEN: authToken },
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    url = await addressOf(child);
  };

  const call = async (path, body) => {
    const response = await fetch(`${url}${path}`, {
      ...{ method: body === undefined ? "GET" : "POST", body },
      headers: {
        authorization,
        ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
      },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };

  await start();
  const settings = { host: "127.0.0.1", port: simulator.port };
  await call(
    "/longwave/v1/Connectors",
    JSON.stringify({
      ...{ name: "carrier", kind: "smpp" },
      settings: { ...settings, systemId: "simulator", password: "loopback" },
    }),
  );
  await call(
    "/longwave/v1/Inventory",
    JSON.stringify({
      numbers: [
        {
          ...{ number: SENDER, kind: "long_code", country: "US", connector: "carrier" },
          segments_per_second: segmentsPerSecond,
        },
      ],
    }),
  );
  const registrations = [{ number: SENDER, campaign: "TORTURE" }];
  await call("/longwave/v1/Registrations", JSON.stringify({ registrations }));
  await call(
    `/2010-04-01/Accounts/${accountSid}/IncomingPhoneNumbers.json`,
    new URLSearchParams({ PhoneNumber: SENDER }),
  );

  return {
    start,
    isRunning: () => child !== undefined,
    post: (form) =>
      fetch(`${url}/2010-04-01/Accounts/${accountSid}/Messages.json`, {
        ...{ method: "POST", headers: { authorization } },
        body: new URLSearchParams({ From: SENDER, ...form }),
      }),
    kill: async () => {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGKILL");
      await ended;
      child = undefined;
    },
    /** Its PostgreSQL alone; a running Longwave brings it back. */
    killPostgres: () => {
      try {
        const [pid] = readFileSync(join(dataDir, "cluster/postmaster.pid"), "utf8").split("\n");
        process.kill(Number(pid), "SIGKILL");
      } catch (error) {
        // It is down already, from the last time.
        if (error.code !== "ESRCH" && error.code !== "ENOENT") throw error;
      }
    },
    /** Recipients of messages whose claims are open; while Longwave is down. */
    openClaims: () =>
      withDatabase(dataDir, async (sql) => {
        const rows = await sql`
          select recipient from claims join messages using (shard, id) limit 100000
        `;
        return rows.map((row) => row.recipient);
      }),
    /** The status of every recipient's message, read from the database at the end. */
    statuses: async () => {
      const all = new Map();
      let path = `/2010-04-01/Accounts/${accountSid}/Messages.json?PageSize=1000`;
      while (path) {
        const page = await call(path);
        for (const message of page.messages) all.set(message.to, message.status);
        path = page.next_page_uri;
      }
      return all;
    },
    stop: async () => {
      if (child === undefined) return;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function withDatabase(dataDir, run) {
  const embedded = await startEmbedded(dataDir);
  const sql = connectDirect(embedded.address);
  try {
    return await run(sql);
  } finally {
    await sql.end({ timeout: 1 });
    await embedded.stop();
  }
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
