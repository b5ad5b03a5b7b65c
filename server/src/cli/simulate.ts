import { readFileSync } from "node:fs";
import { systemClock } from "../lib/clock.ts";
import { StartError } from "../lib/errors.ts";
import { isManner } from "../simulator/manners.ts";
import { isScenarioName, scenarioNames } from "../simulator/scenarios.ts";
import {
  type Simulator,
  type SimulatorOptions,
  simulatorLogin,
  startSimulator,
} from "../simulator/simulator.ts";
import { type Command, CommandError, type CommandIo, exitCodes, usageError } from "./command.ts";
import { readFlags } from "./flags.ts";
import { painterFor } from "./paint.ts";

/** SMPP 3.4, section 4.1.1, and passwords longer than its 8, which most gateways can send. */
const SYSTEM_ID_MAX = 15;
const PASSWORD_MAX = 64;
const RECEIPT_MS = 500;
const RECEIPT_MS_MAX = 86_400_000;
const SEED_MAX = 0xffffffff;
const CLOSE_MS_MAX = 5_000;

export const simulateCommand: Command = createSimulateCommand(untilSignal);

/** `untilStopped` begins to wait before the ports are open. */
export function createSimulateCommand(untilStopped: () => Promise<void>): Command {
  return {
    name: "simulate",
    usage: "[--port 2775] [--http-port 8090] [--scenario NAME] [--seed N] [--state FOLDER]",
    summary: "Runs a carrier network of its own, for any gateway to bind to, until Ctrl-C.",
    details: [
      "--port N             SMPP, 0 to 65535; 0 takes a free one. Default 2775",
      "--http-port N        its phones, submissions and scenario over HTTP. Default 8090",
      "--host ADDRESS       where both listen. Default 127.0.0.1; others can read and send its texts",
      `--system-id NAME     default ${simulatorLogin.systemId}, up to ${SYSTEM_ID_MAX} characters`,
      `--password WORD      default ${simulatorLogin.password}, up to ${PASSWORD_MAX} characters`,
      `--scenario NAME      ${scenarioNames.join(", ")}. Default calm`,
      "--manners NAMES      dialects, a suffix, a scenario, of binds that name none: hex,9908",
      "--tls-certificate FILE, --tls-key FILE   PEM, together: SMPP over TLS alone",
      "--seed N             0 to 4294967295, default 1; the same seed and calls, the same result",
      `--receipt-ms N       the middle of the time until a receipt, 0 to ${RECEIPT_MS_MAX}. Default ${RECEIPT_MS}`,
      "--state FOLDER       keeps waiting receipts and texts over a restart. Default: forgets them",
      "",
      "The last digits of a recipient choose what happens to its texts: see docs/simulator.md.",
    ],
    run: (argv, io) => simulate(argv, io, untilStopped),
  };
}

const usage = "simulate [--port N] [--scenario NAME]";

async function simulate(
  argv: readonly string[],
  io: CommandIo,
  untilStopped: () => Promise<void>,
): Promise<number> {
  const options = readOptions(argv);
  const stopped = untilStopped();
  const simulator = await startSimulator(options).catch((error: unknown) => {
    throw startProblem(error);
  });
  io.out.write(welcome(simulator, options, io));
  await stopped;
  io.out.write("Stopping …\n");
  await withinBound(simulator.close());
  return exitCodes.done;
}

const flags = {
  port: { type: "string", default: "2775" },
  "http-port": { type: "string", default: "8090" },
  host: { type: "string", default: "127.0.0.1" },
  "system-id": { type: "string", default: simulatorLogin.systemId },
  password: { type: "string", default: simulatorLogin.password },
  scenario: { type: "string", default: "calm" },
  seed: { type: "string", default: "1" },
  "receipt-ms": { type: "string", default: String(RECEIPT_MS) },
  state: { type: "string" },
  manners: { type: "string", default: "" },
  "tls-certificate": { type: "string" },
  "tls-key": { type: "string" },
} as const;

function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = readFlags(argv, flags, usage);
  if (positionals.length > 0) {
    throw usageError(`'${positionals[0]}' is no option.`, "See longwave help simulate.");
  }
  const { scenario, host, state } = values;
  if (!isScenarioName(scenario)) {
    const names = scenarioNames.join(", ");
    throw usageError(`There is no scenario '${scenario}'.`, `There are ${names}.`);
  }
  const number = (name: "port" | "http-port" | "seed" | "receipt-ms", max: number) =>
    readNumber(`--${name}`, values[name], max);
  return {
    ...{ port: number("port", 65_535), httpPort: number("http-port", 65_535), host, scenario },
    systemId: readText("--system-id", values["system-id"], SYSTEM_ID_MAX),
    password: readText("--password", values.password, PASSWORD_MAX),
    ...{ seed: number("seed", SEED_MAX), receiptDelayMs: number("receipt-ms", RECEIPT_MS_MAX) },
    ...(state === undefined ? {} : { stateFolder: state }),
    ...{ manners: readManners(values.manners), tls: readTls(values) },
    clock: systemClock,
  };
}

type Options = SimulatorOptions & { host: string; systemId: string; password: string };

function readManners(list: string): string {
  const unknown = list.split(",").find((name) => name.trim() !== "" && !isManner(name.trim()));
  if (unknown === undefined) return list;
  throw usageError(
    `There are no manners '${unknown}'.`,
    "Give names of dialects, a suffix or a scenario of docs/simulator.md, with commas.",
  );
}

function readTls(values: { "tls-certificate"?: string; "tls-key"?: string }) {
  const { "tls-certificate": certificate, "tls-key": key } = values;
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    throw usageError("TLS needs both.", "Give --tls-certificate and --tls-key.");
  }
  return { certificate: readPem(certificate), key: readPem(key) };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(exitCodes.failed, `The file cannot be read: ${why}.`);
  }
}

function readNumber(name: string, text: string, max: number): number {
  if (!/^\d+$/.test(text) || Number(text) > max) {
    throw usageError(`${name} is '${text}'.`, `Give a whole number from 0 to ${max}.`);
  }
  return Number(text);
}

function readText(name: string, text: string, lengthMax: number): string {
  if (text === "" || text.length > lengthMax || !/^[\x21-\x7e]*$/.test(text)) {
    throw usageError(
      `${name} cannot be '${text}'.`,
      `Give 1 to ${lengthMax} characters of ASCII without spaces.`,
    );
  }
  return text;
}

function startProblem(error: unknown): unknown {
  if (error instanceof StartError) {
    return new CommandError(exitCodes.failed, error.message, "Or give another folder: --state.");
  }
  if (!(error instanceof Error && "code" in error)) return error;
  const { code, message } = error;
  if (code === "EADDRINUSE") {
    const remedy = "Stop what uses it, or give another: --port, --http-port.";
    return new CommandError(exitCodes.failed, `A port is in use: ${message}.`, remedy);
  }
  return new CommandError(exitCodes.failed, `The simulator cannot start: ${message}.`);
}

function welcome(simulator: Simulator, options: Options, io: CommandIo): string {
  const paint = painterFor(io.out, io.env);
  const address = options.host.includes(":") ? `[${options.host}]` : options.host;
  const url = `http://${address}:${simulator.httpPort}`;
  const { stateFolder } = options;
  const lines = [
    `${paint.strong("Carrier simulator.")} No text reaches a real phone.`,
    "",
    `  SMPP 3.4    ${address}:${simulator.port}   transceiver, transmitter or receiver, ${options.tls === undefined ? "no TLS" : "TLS"}`,
    `  system id   ${options.systemId}`,
    `  password    ${options.password}`,
    `  scenario    ${options.scenario}   seed ${options.seed}`,
    `  state       ${stateFolder ?? "in memory; --state FOLDER keeps it over a restart"}`,
    "",
    "Read a phone; send a text from it; change the scenario:",
    "",
    `  curl ${url}/phones/12025550123/messages`,
    `  curl ${url}/phones/12025550123/messages -d '{"to":"+15005550100","body":"Hello"}'`,
    `  curl ${url}/scenario -d '{"name":"congested"}'`,
    "",
    "The last digits of a recipient choose what happens: docs/simulator.md. Ctrl-C stops.",
  ];
  return `${lines.join("\n")}\n`;
}

/** Gateways that do not let go must not keep the process. */
function withinBound(work: Promise<void>): Promise<void> {
  return Promise.race([work, new Promise<void>((done) => setTimeout(done, CLOSE_MS_MAX).unref())]);
}

function untilSignal(): Promise<void> {
  return new Promise((done) => {
    process.once("SIGINT", () => done());
    process.once("SIGTERM", () => done());
  });
}
