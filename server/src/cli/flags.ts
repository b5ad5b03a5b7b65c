import { type ParseArgsConfig, parseArgs } from "node:util";
import { usageError } from "./command.ts";

/** Node's `parseArgs`, its errors as ours. `usage` is the command's line for the remedy. */
export function readFlags<Options extends NonNullable<ParseArgsConfig["options"]>>(
  argv: readonly string[],
  options: Options,
  usage: string,
) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const what = error.message.split(". ")[0] ?? error.message;
    throw usageError(
      `${what}.`,
      `Usage: longwave ${usage}. Before a text that begins with -, put --.`,
    );
  }
}
