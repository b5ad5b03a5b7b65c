import { setTimeout as realPause } from "node:timers/promises";
import { type Command, type CommandIo, exitCodes, usageError } from "./command.ts";
import { type Connection, connect, connectionFlags, connectionHelp } from "./connection.ts";
import { readFlags } from "./flags.ts";
import { type Lane, type LanePage, laneLines, lanesTable } from "./lane-table.ts";

export const lanesCommand: Command = {
  name: "lanes",
  usage: "[pause|resume|drain LANE] [--all] [--once] [--subaccount AC…] [--json]",
  summary: "Shows what waits in each sender's queue and what limits it; pauses and drains one.",
  details: [
    "On a terminal the table is drawn again each second, until Ctrl-C; with --once, or when its output",
    "goes elsewhere, it is printed once. Without --all it leaves out lanes in which nothing waits.",
    "",
    "pause LANE   nothing leaves; what waits keeps its place",
    "drain LANE   what waits leaves; new texts are refused with 21611",
    "resume LANE  takes both back",
    "",
    "LANE is a sender, such as +15005550100. --subaccount names an account that yours owns.",
    "",
    ...connectionHelp,
  ],
  run: lanes,
};

const REDRAW_MS = 1_000;
const PAGE_SIZE = 1_000;

const actions: Readonly<Record<string, object>> = {
  pause: { is_paused: true },
  drain: { is_draining: true },
  resume: { is_paused: false, is_draining: false },
};

const flags = {
  ...connectionFlags,
  all: { type: "boolean" },
  once: { type: "boolean" },
  subaccount: { type: "string" },
  json: { type: "boolean" },
} as const;

async function lanes(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readFlags(argv, flags, "lanes [pause|resume|drain LANE]");
  const [action, lane, ...surplus] = positionals;
  const change = action === undefined ? undefined : actions[action];
  const isIncomplete = action !== undefined && (change === undefined || lane === undefined);
  if (isIncomplete || surplus.length > 0) {
    throw usageError(
      "Say what to do with which lane.",
      "Usage: longwave lanes, or longwave lanes pause|resume|drain +15005550100",
    );
  }
  const connection = await connect(values, io);
  const account = values.subaccount && `AccountSid=${encodeURIComponent(values.subaccount)}`;
  if (change !== undefined && lane !== undefined) {
    const path = `/longwave/v1/Lanes/${encodeURIComponent(lane)}?${account ?? ""}`;
    const changed = (await connection.postJson(path, change)) as Lane; // our own API's answer
    return print(values.json ? [json(changed)] : laneLines(changed, io), io);
  }
  const query = `PageSize=${PAGE_SIZE}&Busy=${values.all !== true}&${account ?? ""}`;
  const fetchPage = () => readPage(connection, query);
  if (values.json) return print([json(await fetchPage())], io);
  const isLive = io.out.isTTY === true && values.once !== true;
  return isLive ? redraw(fetchPage, io) : print(lanesTable(await fetchPage(), io), io);
}

async function readPage(connection: Connection, query: string): Promise<LanePage> {
  return (await connection.get(`/longwave/v1/Lanes?${query}`)) as LanePage; // our own API's answer
}

/** Draws the table over the last one, until the process is told to end or Longwave is gone. */
async function redraw(fetchPage: () => Promise<LanePage>, io: CommandIo): Promise<number> {
  const pause = io.pause ?? realPause;
  for (let drawn = 0; ; ) {
    const lines = lanesTable(await fetchPage(), io);
    const back = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[0J`;
    io.out.write(`${back}${lines.join("\n")}\n`);
    drawn = lines.length;
    await pause(REDRAW_MS);
  }
}

function print(lines: readonly string[], io: CommandIo): number {
  io.out.write(`${lines.join("\n")}\n`);
  return exitCodes.done;
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
