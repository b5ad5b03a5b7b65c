import { setTimeout as realPause } from "node:timers/promises";
import { type Command, CommandError, type CommandIo, exitCodes, usageError } from "./command.ts";
import { type Connection, connect, connectionFlags, connectionHelp } from "./connection.ts";
import { readFlags } from "./flags.ts";
import { painterFor } from "./paint.ts";
import {
  entryLines,
  fetchTimeline,
  finalMark,
  messageLine,
  statusLine,
  type Timeline,
} from "./timeline.ts";

export const sendCommand: Command = {
  name: "send",
  usage: "TO BODY [--from NUMBER] [--follow] [--json]",
  summary: "Sends a text.",
  details: [
    "TO is a number like +12025550123. --from is a sender of the account; without it, the account's",
    "first number, else its first short code. --follow waits up to two minutes for the receipt and",
    "prints each step; the exit code is then 1 unless the text was delivered.",
    "",
    ...connectionHelp,
  ],
  run: send,
};

const POLL_MS = 250;
/** Receipts of ordinary carriers come within seconds. */
const FOLLOW_MS = 120_000;

async function send(argv: readonly string[], io: CommandIo): Promise<number> {
  const flags = {
    ...connectionFlags,
    from: { type: "string" },
    follow: { type: "boolean" },
    json: { type: "boolean" },
  } as const;
  const { values, positionals } = readFlags(argv, flags, "send TO BODY");
  const [to, body, ...surplus] = positionals;
  if (to === undefined || body === undefined) {
    throw usageError("Say to whom and what.", "Usage: longwave send +12025550123 'Hello'");
  }
  if (surplus.length > 0) {
    throw usageError("The text is more than one word.", `Put it in quotes: send ${to} '${body} …'`);
  }
  const connection = await connect(values, io);
  const from = values.from ?? (await firstSender(connection));
  const path = `${accountPath(connection)}/Messages.json`;
  const message = (await connection.post(path, { To: to, From: from, Body: body })) as SentMessage;
  if (values.json && !values.follow) {
    io.out.write(`${JSON.stringify(message, undefined, 2)}\n`);
    return exitCodes.done;
  }
  const print = values.json ? () => undefined : printerTo(io);
  const paint = painterFor(io.out, io.env);
  print([messageLine(message, io)]); // first of all: whatever comes now, the text is accepted
  if (!values.follow) {
    print([statusLine(await fetchTimeline(connection, message.sid), io)]);
    print([paint.quiet(`What happens to it: longwave why ${message.sid}`)]);
    return exitCodes.done;
  }
  const timeline = await follow(connection, message.sid, print, io);
  if (values.json) io.out.write(`${JSON.stringify(timeline, undefined, 2)}\n`);
  return timeline.message.status === "delivered" ? exitCodes.done : exitCodes.failed;
}

/** Our own API's answer, as far as it matters here. */
type SentMessage = { sid: string; from: string; to: string };

type Print = (lines: readonly string[]) => void;

function printerTo(io: CommandIo): Print {
  return (lines) => {
    if (lines.length > 0) io.out.write(`${lines.join("\n")}\n`);
  };
}

/** Prints entries as they come, until the status is final or the time is up. */
async function follow(
  connection: Connection,
  sid: string,
  print: Print,
  io: CommandIo,
): Promise<Timeline> {
  const pause = io.pause ?? realPause;
  const printed = new Set<string>();
  print([""]);
  for (let waited = 0; ; waited += POLL_MS) {
    const timeline = await fetchTimeline(connection, sid);
    // They may be stored out of order, and a wait moves on: an entry is known by what it says.
    const fresh = timeline.timeline.filter(({ kind, words }) => !printed.has(`${kind} ${words}`));
    for (const { kind, words } of fresh) printed.add(`${kind} ${words}`);
    print(entryLines(fresh, io));
    if (finalMark[timeline.message.status] !== undefined) {
      print(["", statusLine(timeline, io)]);
      return timeline;
    }
    if (waited >= FOLLOW_MS) {
      print(["", statusLine(timeline, io)]);
      print([`No receipt within ${FOLLOW_MS / 1000} seconds. Later: longwave why ${sid}`]);
      return timeline;
    }
    await pause(POLL_MS);
  }
}

async function firstSender(connection: Connection): Promise<string> {
  const path = accountPath(connection);
  const numbers = (await connection.get(`${path}/IncomingPhoneNumbers.json?PageSize=1`)) as {
    incoming_phone_numbers: { phone_number: string }[];
  };
  const number = numbers.incoming_phone_numbers[0]?.phone_number;
  if (number !== undefined) return number;
  const shortCodes = (await connection.get(`${path}/SMS/ShortCodes.json?PageSize=1`)) as {
    short_codes: { short_code: string }[];
  };
  const shortCode = shortCodes.short_codes[0]?.short_code;
  if (shortCode !== undefined) return shortCode;
  throw new CommandError(
    exitCodes.failed,
    "The account has no sender.",
    "Claim a number with POST IncomingPhoneNumbers, or name a sender with --from.",
  );
}

function accountPath({ accountSid }: Connection): string {
  return `/2010-04-01/Accounts/${accountSid}`;
}
