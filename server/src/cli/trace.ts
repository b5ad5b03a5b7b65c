import { setTimeout as realPause } from "node:timers/promises";
import { type Command, type CommandIo, exitCodes, usageError } from "./command.ts";
import { connect, connectionFlags, connectionHelp } from "./connection.ts";
import { readFlags } from "./flags.ts";
import { painterFor, printable } from "./paint.ts";

export const traceCommand: Command = {
  name: "trace",
  usage: "CONNECTOR [--last N] [--once] [--clear] [--json]",
  summary: "Shows the PDUs between an SMPP connector and its carrier, live.",
  details: [
    "Prints the last PDUs (--last, 0 to 1000, 20 by default), then each that follows, until Ctrl-C;",
    "with --once only the last ones. Longwave keeps 5,000 of each bind since it was started. Numbers",
    "and texts are masked; --clear shows them. --json prints a PDU a line. It needs the operator's",
    "account, and asks the process that answers at the URL.",
    "",
    ...connectionHelp,
  ],
  run: trace,
};

const POLL_MS = 500;
const LAST = 20;
const PER_CALL_MAX = 1_000;

type Traced = {
  readonly at: string;
  readonly bind: string;
  readonly direction: "sent" | "received";
  readonly command: string;
  readonly sequence: number;
  readonly status: number;
  readonly fields: Readonly<Record<string, string | number>>;
};
type Answer = { readonly pdus: readonly Traced[]; readonly last: number };

async function trace(argv: readonly string[], io: CommandIo): Promise<number> {
  const flags = {
    ...connectionFlags,
    last: { type: "string" },
    once: { type: "boolean" },
    clear: { type: "boolean" },
    json: { type: "boolean" },
  } as const;
  const { values, positionals } = readFlags(argv, flags, "trace CONNECTOR");
  const [name, ...surplus] = positionals;
  if (name === undefined || surplus.length > 0) {
    throw usageError("Name one connector.", "Usage: longwave trace CONNECTOR");
  }
  const last = Number(values.last ?? LAST);
  if (!(Number.isInteger(last) && last >= 0 && last <= PER_CALL_MAX)) {
    throw usageError(`--last is a whole number from 0 to ${PER_CALL_MAX}.`);
  }
  const connection = await connect(values, io);
  const ask = async (query: string) => {
    const path = `/longwave/v1/Connectors/${encodeURIComponent(name)}/Trace`;
    const clear = values.clear === true ? "&Clear=true" : "";
    return (await connection.get(`${path}?${query}${clear}`)) as Answer; // our own API's answer
  };
  const print = (pdus: readonly Traced[]) => {
    for (const pdu of pdus) {
      io.out.write(`${values.json === true ? JSON.stringify(pdu) : pduLine(pdu, io)}\n`);
    }
  };
  let answer = await ask(`Limit=${Math.max(1, last)}`);
  if (last > 0) print(answer.pdus);
  while (values.once !== true) {
    if (answer.pdus.length < PER_CALL_MAX) await (io.pause ?? realPause)(POLL_MS);
    answer = await ask(`Limit=${PER_CALL_MAX}&After=${answer.last}`);
    print(answer.pdus);
  }
  return exitCodes.done;
}

/** `12:00:00.123 → 1 transceiver  submit_sm 7  source="****00"`; a status that is an error stands out. */
function pduLine(pdu: Traced, io: CommandIo): string {
  const paint = painterFor(io.out, io.env);
  const { at, bind, direction, command, sequence, status, fields } = pdu;
  const mark = direction === "sent" ? "→" : "←";
  const failed = status === 0 ? "" : paint.bad(` 0x${status.toString(16).padStart(8, "0")}`);
  const shown = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === "number" ? value : JSON.stringify(value)}`,
  );
  return [
    paint.quiet(at.slice(11, 23)),
    `${mark} ${printable(bind)} `,
    `${paint.strong(printable(command))} ${sequence}${failed}`,
    printable(shown.length === 0 ? "" : ` ${shown.join(" ")}`),
  ]
    .join(" ")
    .trimEnd();
}
