import { type Command, type CommandIo, exitCodes, usageError } from "./command.ts";
import { connect, connectionFlags, connectionHelp } from "./connection.ts";
import { readFlags } from "./flags.ts";

export const exportCommand: Command = {
  name: "export",
  usage: "[--bodies | --phone NUMBER]",
  summary: "Prints everything of the account, or about one phone, as JSON lines.",
  details: [
    "Without --bodies the texts' bodies are left out; about one phone they are in it. See docs/privacy.md.",
    "",
    ...connectionHelp,
  ],
  run: async (argv, io) => {
    const flags = {
      ...connectionFlags,
      bodies: { type: "boolean" },
      phone: { type: "string" },
    } as const;
    const { values, positionals } = readFlags(argv, flags, "export [--bodies | --phone NUMBER]");
    if (positionals.length > 0) throw usageError("This command takes options only.");
    const connection = await connect(values, io);
    const path =
      values.phone === undefined
        ? `/longwave/v1/Export?Bodies=${values.bodies === true}`
        : `/longwave/v1/Phones/${encodeURIComponent(values.phone)}/Export`;
    for await (const text of connection.download(path)) io.out.write(text);
    return exitCodes.done;
  },
};

export const eraseCommand: Command = {
  name: "erase",
  usage: "NUMBER --yes",
  summary: "Erases a phone's number and the bodies of its messages; its opt-outs stay.",
  details: ["It cannot be taken back. See docs/privacy.md.", "", ...connectionHelp],
  run: erase,
};

type Erased = { erased: number; under_way: number; is_complete: boolean; opt_outs_kept: number };

async function erase(argv: readonly string[], io: CommandIo): Promise<number> {
  const flags = { ...connectionFlags, yes: { type: "boolean" } } as const;
  const { values, positionals } = readFlags(argv, flags, "erase NUMBER --yes");
  const [number, ...surplus] = positionals;
  if (number === undefined || surplus.length > 0 || values.yes !== true) {
    throw usageError("Name one number, and say --yes: it cannot be taken back.");
  }
  const connection = await connect(values, io);
  let count = 0;
  for (;;) {
    const path = `/longwave/v1/Phones/${encodeURIComponent(number)}/Erase`;
    const answer = (await connection.post(path, {})) as Erased; // our own API's answer
    count += answer.erased;
    if (!answer.is_complete && answer.erased > 0) continue;
    const { under_way: underWay, opt_outs_kept: kept } = answer;
    io.out.write(`${count} messages erased, ${underWay} under way still, ${kept} opt-outs kept.\n`);
    return underWay === 0 ? exitCodes.done : exitCodes.failed;
  }
}
