import { type Command, type CommandIo, usageError } from "./command.ts";
import { connectionHelp } from "./connection.ts";
import { importTwilio, usage } from "./import/twilio.ts";

export const importCommand: Command = {
  name: "import",
  usage: usage.replace("import ", ""),
  summary: "Takes numbers, messaging services and opt-outs over from an account at Twilio.",
  details: [
    "Says what it would do and what has no counterpart here; --apply does it. Run again it adds what is new.",
    "  --twilio-account, --twilio-token   else TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN",
    "  --subaccounts         the subaccounts too, under their sids and tokens",
    "  --connector NAME      the connector that carries the numbers, made when missing (twilio)",
    "  --history-days DAYS   how far back STOP messages and 21610 errors are read; 0: not (400)",
    "  --point-here URL      with --apply: has Twilio bring texts from phones to this public address",
    "  --base-url URL        instead of Twilio's own hosts",
    "",
    ...connectionHelp,
  ],
  run: runImport,
};

async function runImport(argv: readonly string[], io: CommandIo): Promise<number> {
  const [source, ...rest] = argv;
  if (source === "twilio") return await importTwilio(rest, io);
  throw usageError("Name what to import from.", `Usage: longwave ${usage}`);
}
