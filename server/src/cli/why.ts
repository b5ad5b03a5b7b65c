import { type Command, type CommandIo, exitCodes, usageError } from "./command.ts";
import { connect, connectionFlags, connectionHelp } from "./connection.ts";
import { readFlags } from "./flags.ts";
import { entryLines, fetchTimeline, messageLine, statusLine } from "./timeline.ts";

export const whyCommand: Command = {
  name: "why",
  usage: "SID [--json]",
  summary: "Tells what happened to a message, and why.",
  details: [
    "Prints the message's timeline in words: decisions with their rule, waits with their cause, the",
    "carrier's answers, callbacks. Times are UTC. --json prints what the API answers.",
    "",
    ...connectionHelp,
  ],
  run: why,
};

async function why(argv: readonly string[], io: CommandIo): Promise<number> {
  const flags = { ...connectionFlags, json: { type: "boolean" } } as const;
  const { values, positionals } = readFlags(argv, flags, "why SID");
  const [sid, ...surplus] = positionals;
  if (sid === undefined || surplus.length > 0) {
    throw usageError("Name one message.", "Usage: longwave why SM…");
  }
  if (!/^SM[0-9a-f]{32}$/.test(sid)) {
    const remedy = "It is SM and 32 hexadecimal digits, as 'longwave send' and the API give it.";
    throw usageError(`'${sid}' is not the sid of a message.`, remedy);
  }
  const timeline = await fetchTimeline(await connect(values, io), sid);
  const lines = values.json
    ? [JSON.stringify(timeline, undefined, 2)]
    : [
        messageLine(timeline.message, io),
        statusLine(timeline, io),
        "",
        ...entryLines(timeline.timeline, io),
      ];
  io.out.write(`${lines.join("\n")}\n`);
  return exitCodes.done;
}
