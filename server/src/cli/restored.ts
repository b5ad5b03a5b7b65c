import { readConfig } from "../config.ts";
import { connectDirect } from "../db/connect.ts";
import { markRestored } from "../db/home.ts";
import { openDatabase } from "../open-database.ts";
import { type Command, type CommandIo, exitCodes, usageError } from "./command.ts";

export const restoredCommand: Command = {
  name: "restored",
  usage: "",
  summary: "Tells that the database is a restored backup, before the first start on it.",
  details: [
    "A restored dump is known by itself. A snapshot of a disk or folder, or a restore to a point in time,",
    "looks like the database that it was taken of: run this before Longwave starts on it. It reads the",
    "settings of 'longwave serve'. At its start everything that waits is held: see 'longwave help held'.",
  ],
  run: restored,
};

async function restored(argv: readonly string[], io: CommandIo): Promise<number> {
  if (argv.length > 0) throw usageError("This command takes nothing.", "Usage: longwave restored");
  const database = await openDatabase(readConfig(io.env), new AbortController().signal);
  const direct = connectDirect(database.address);
  try {
    await markRestored(direct);
  } finally {
    await direct.end({ timeout: 1 });
    await database.stop();
  }
  io.out.write("Marked: at the next start everything that waits is held.\n");
  return exitCodes.done;
}
