import { type Command, CommandError, type CommandIo, exitCodes, usageError } from "./command.ts";
import { healthCommand } from "./health.ts";
import { heldCommand } from "./held.ts";
import { importCommand } from "./import.ts";
import { lanesCommand } from "./lanes.ts";
import { painterFor } from "./paint.ts";
import { eraseCommand, exportCommand } from "./privacy.ts";
import { sendCommand } from "./send.ts";
import { traceCommand } from "./trace.ts";
import { whyCommand } from "./why.ts";

/**
 * Runs `longwave COMMAND …`; `argv` begins with the command. Resolves with the exit code. Commands
 * that need more than HTTP, such as `serve`, are given by the caller and listed first.
 */
export async function runCommand(
  argv: readonly string[],
  io: CommandIo,
  others: readonly Command[] = [],
): Promise<number> {
  const commands = [
    ...others,
    sendCommand,
    whyCommand,
    lanesCommand,
    traceCommand,
    heldCommand,
    healthCommand,
    importCommand,
    exportCommand,
    eraseCommand,
  ];
  const [name = "help", ...rest] = argv;
  try {
    if (name === "help" || name === "--help" || name === "-h") return help(commands, rest[0], io);
    const command = findCommand(commands, name);
    if (rest.includes("--help") && !rest.includes("--")) return help(commands, name, io);
    return await command.run(rest, io);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const paint = painterFor(io.err, io.env);
    io.err.write(`${paint.bad("error")}  ${error.message}\n`);
    if (error.remedy !== undefined) io.err.write(`       ${error.remedy}\n`);
    return error.exitCode;
  }
}

function findCommand(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  const names = commands.map((command) => command.name).join(", ");
  throw usageError(`There is no command '${name}'.`, `There are ${names} and help.`);
}

function help(commands: readonly Command[], about: string | undefined, io: CommandIo): number {
  const paint = painterFor(io.out, io.env);
  if (about !== undefined) {
    const { name, usage, summary, details } = findCommand(commands, about);
    const lines = [paint.strong(`longwave ${name} ${usage}`.trim()), "", summary];
    if (details.length > 0) lines.push("", ...details);
    io.out.write(`${lines.join("\n")}\n`);
    return exitCodes.done;
  }
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  io.out.write(
    `${[
      paint.strong("longwave COMMAND"),
      "",
      ...lines,
      `  ${"help".padEnd(width)}  This list; help COMMAND tells more.`,
    ].join("\n")}\n`,
  );
  return exitCodes.done;
}
