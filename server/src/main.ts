import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { type App, type AppOptions, startApp } from "./app.ts";
import { runCommand } from "./cli/cli.ts";
import { type Command, type CommandIo, usageError } from "./cli/command.ts";
import { readFlags } from "./cli/flags.ts";
import { restoredCommand } from "./cli/restored.ts";
import { simulateCommand } from "./cli/simulate.ts";
import { type Config, readConfig } from "./config.ts";
import { isDatabaseAway } from "./db/database-errors.ts";
import { explainStartFailure } from "./db/start-failure.ts";
import { systemClock } from "./lib/clock.ts";
import { OperatorAlert, StartError } from "./lib/errors.ts";
import { openDatabase } from "./open-database.ts";
import { receiveOrder, supervise, tellReady } from "./supervise.ts";

/** Runs one command of the program; resolves with its exit code. */
export async function main(argv: readonly string[], io: CommandIo): Promise<number> {
  try {
    return await runCommand(argv, io, [serveCommand, simulateCommand, restoredCommand]);
  } catch (error) {
    const sentence = error instanceof StartError ? error.message : explainStartFailure(error);
    if (sentence === undefined) throw error;
    io.err.write(`${sentence}\n`);
    return 1;
  }
}

const serveCommand: Command = {
  name: "serve",
  usage: "[--role api,dispatch,webhooks] [--processes N]",
  summary: "Runs Longwave until Ctrl-C.",
  details: [
    "--role LIST          what this process does: api, dispatch, webhooks. Default all",
    "--processes N        so many processes; or the roles of each: 'api dispatch,webhooks'",
    "",
    "Other settings are environment variables: see docs/configuration.md.",
  ],
  run: serve,
};

async function serve(argv: readonly string[], io: CommandIo): Promise<number> {
  const settings = readConfig({ ...io.env, ...readServeFlags(argv) });
  const stopSignal = watchStopSignals();
  const report = (error: unknown) => void io.err.write(`${describe(error)}\n`);
  surviveDatabase(report);
  const order = await receiveOrder(stopSignal);
  if (order === "stop") return 0;
  if (order !== undefined) {
    const { address, isQuiet } = order;
    const simulator = settings.simulator && order.hasSimulator;
    const config = { ...settings, roles: new Set(order.roles), simulator };
    return runApp({ config, address, stopSignal, report }, isQuiet ? undefined : io);
  }
  let stop = () => Promise.resolve();
  try {
    const database = await openDatabase(settings, stopSignal);
    stop = database.stop;
    const { address } = database;
    const { processes } = settings;
    if (processes.length === 1) {
      const config = { ...settings, roles: processes[0] ?? settings.roles };
      return await runApp({ config, address, stopSignal, report }, io);
    }
    const say = (sentence: string) => void io.err.write(`${sentence}\n`);
    return await supervise({ processes, argv, address, stopSignal, say });
  } catch (error) {
    if (stopSignal.aborted) return 0;
    throw error;
  } finally {
    await stop();
  }
}

/** One process, from its start to its stop; without `io` it is quiet. */
async function runApp(
  { stopSignal, ...options }: Omit<AppOptions, "clock" | "version"> & { stopSignal: AbortSignal },
  io: CommandIo | undefined,
): Promise<number> {
  const { config } = options;
  const stopped = new Promise<undefined>((done) => {
    if (stopSignal.aborted) done(undefined);
    stopSignal.addEventListener("abort", () => done(undefined));
  });
  try {
    const starting = startApp({ ...options, clock: systemClock, version });
    const app = await Promise.race([starting, stopped]);
    if (app === undefined) {
      starting.catch(() => undefined); // its database goes away
      return 0;
    }
    saveCredentials(config, app);
    io?.out.write(welcome(app, config));
    tellReady();
    await stopped;
    io?.out.write("Stopping …\n");
    await app.close();
    return 0;
  } catch (error) {
    if (stopSignal.aborted) return 0;
    throw error;
  }
}

/** Flags are settings, too, and stronger than those of the environment. */
function readServeFlags(argv: readonly string[]): Record<string, string> {
  const flags = { role: { type: "string" }, processes: { type: "string" } } as const;
  const usage = "serve [--role LIST] [--processes N]";
  const { values, positionals } = readFlags(argv, flags, usage);
  if (positionals.length > 0) {
    throw usageError(`'${positionals[0]}' is no option.`, "See longwave help serve.");
  }
  return {
    ...(values.role === undefined ? {} : { LONGWAVE_ROLE: values.role }),
    ...(values.processes === undefined ? {} : { LONGWAVE_PROCESSES: values.processes }),
  };
}

const version = (
  JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
    version: string;
  }
).version;

/** For `longwave send` of the user who runs the server. */
function saveCredentials(config: Config, app: App): void {
  if (config.databaseUrl !== undefined || !config.roles.has("api")) return;
  const { sid, token } = app.firstAccount;
  const text = JSON.stringify({ url: app.url, accountSid: sid, authToken: token });
  writeFileSync(join(config.dataDir, "credentials.json"), `${text}\n`, { mode: 0o600 });
}

function welcome(app: App, { roles, simulator, databaseUrl }: Config): string {
  const { sid, token } = app.firstAccount;
  const from = simulator ? "+15005550100" : "YOUR_NUMBER";
  const lines = [
    roles.has("api")
      ? `Longwave ${version} listens at ${app.url}`
      : `Longwave ${version} runs: ${[...roles].join(", ")}`,
  ];
  if (app.heldCount > 0) {
    lines.push(
      `The database is a restored backup: ${app.heldCount} messages that waited are held, since they may`,
      "have been sent after it was made. 'longwave held' lists, releases and expires them.",
    );
  }
  if (app.simulator !== undefined) {
    const phones = `http://127.0.0.1:${app.simulator.httpPort}`;
    lines.push(`Carrier simulator: no text reaches a real phone. Its phones: ${phones}`);
  }
  if (app.isFirstStart) {
    lines.push("", `Account sid   ${sid}`, `Auth token    ${token}   (shown this once)`);
    lines.push("", "Send a first text:", "");
    if (databaseUrl !== undefined) {
      lines.push(`  export LONGWAVE_ACCOUNT_SID=${sid} LONGWAVE_AUTH_TOKEN=${token}`);
    }
    lines.push(`  ${program()} send +12025550123 "Hello" --from ${from} --follow`);
    lines.push("", "The same with the Twilio SDK:", "");
    lines.push(
      '  import { createLongwaveClient } from "@longwave/sdk";',
      `  const client = createLongwaveClient({ baseUrl: "${app.url}", accountSid: "${sid}", authToken: "${token}" });`,
      `  await client.messages.create({ to: "+12025550123", from: "${from}", body: "Hello" });`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** As the user calls it: in the sources, or where it is installed. */
function program(): string {
  return existsSync("longwave") ? "./longwave" : "longwave";
}

/** Names the error and where it comes from; its text may hold what somebody sent. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "error  unknown";
  if (error instanceof OperatorAlert) return `alert  ${error.message}`;
  const code = "code" in error ? ` ${String(error.code)}` : "";
  const place = error.stack?.split("\n").find((line) => line.trim().startsWith("at ")) ?? "";
  return `error  ${error.name}${code} ${place.trim()}`;
}

/**
 * postgres.js asks for array types at each connect and leaves a failure of that to nobody: a
 * PostgreSQL that dies at that moment must not take Longwave along. Everything else is a bug.
 */
function surviveDatabase(report: (error: unknown) => void): void {
  process.on("unhandledRejection", (error) => {
    if (!isDatabaseAway(error)) throw error;
    report(error);
  });
}

/** npm passes a Ctrl-C on that the terminal has already sent: the same one, told twice. */
const SAME_SIGNAL_MS = 300;

/** The first signal asks for a clean stop; a second one ends the process at once. */
function watchStopSignals(): AbortSignal {
  const controller = new AbortController();
  let askedAt: number | undefined;
  const onSignal = (name: "SIGINT" | "SIGTERM" | "SIGHUP") => {
    const now = performance.now();
    askedAt ??= now;
    if (now - askedAt > SAME_SIGNAL_MS) process.exit(128 + constants.signals[name]);
    controller.abort();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  return controller.signal;
}
