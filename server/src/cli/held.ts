import { type Command, type CommandIo, exitCodes, usageError } from "./command.ts";
import { type Connection, connect, connectionFlags, connectionHelp } from "./connection.ts";
import { readFlags } from "./flags.ts";
import { printable } from "./paint.ts";

const usage = "held [release|expire] [SID… | --all]";
const PAGE_SIZE = 200;

export const heldCommand: Command = {
  name: "held",
  usage: "[release|expire] [SID… | --all] [--json]",
  summary: "Lists messages that are held, releases them to be sent, or expires them.",
  details: [
    "A message is held when its carrier may have it already: after a restore of a backup, or where an",
    "account's whenUnknown is hold. Released, it goes back to its place in the queue. Expired, it fails",
    "with 30036. --json prints one message a line.",
    "",
    ...connectionHelp,
  ],
  run: held,
};

async function held(argv: readonly string[], io: CommandIo): Promise<number> {
  const flags = {
    ...connectionFlags,
    all: { type: "boolean" },
    json: { type: "boolean" },
  } as const;
  const { values, positionals } = readFlags(argv, flags, usage);
  const [verb, ...sids] = positionals;
  if (verb === undefined) {
    await list(await connect(values, io), io, values.json === true);
    return exitCodes.done;
  }
  if (verb !== "release" && verb !== "expire") {
    throw usageError(`'${printable(verb)}' is neither release nor expire.`, `longwave ${usage}`);
  }
  if (sids.length > 0 === (values.all === true)) {
    throw usageError("Name messages, or give --all.", `Usage: longwave ${usage}`);
  }
  const connection = await connect(values, io);
  const path = `/longwave/v1/Held/${verb === "release" ? "Release" : "Expire"}`;
  const count = await decide(connection, path, sids);
  io.out.write(`${count} ${count === 1 ? "message" : "messages"} ${verb}d.\n`);
  return values.all === true || count === sids.length ? exitCodes.done : exitCodes.failed;
}

type Page = {
  readonly held: readonly {
    readonly sid: string;
    readonly from: string;
    readonly to: string;
    readonly because: string;
    readonly date_held: string;
    readonly valid_until: string;
  }[];
  readonly meta: { readonly next_token: string | null };
};

async function list(connection: Connection, io: CommandIo, isJson: boolean): Promise<void> {
  let token = "";
  do {
    const query = `PageSize=${PAGE_SIZE}&PageToken=${encodeURIComponent(token)}`;
    const page = (await connection.get(`/longwave/v1/Held?${query}`)) as Page; // our own API's answer
    for (const message of page.held) {
      const { sid, from, to, because, valid_until: validUntil } = message;
      const words = `${sid}  ${from} to ${to}, valid until ${validUntil}. ${because}`;
      io.out.write(`${isJson ? JSON.stringify(message) : printable(words)}\n`);
    }
    token = page.meta.next_token ?? "";
  } while (token !== "");
}

async function decide(
  connection: Connection,
  path: string,
  sids: readonly string[],
): Promise<number> {
  let count = 0;
  for (;;) {
    const body = sids.length === 0 ? {} : { sids };
    const answer = (await connection.postJson(path, body)) as { decided: number; is_more: boolean };
    count += answer.decided;
    if (!answer.is_more || answer.decided === 0) return count;
  }
}
