import { DAY, systemClock } from "../../lib/clock.ts";
import { CommandError, type CommandIo, exitCodes, usageError } from "../command.ts";
import { type Connection, connect, connectionFlags } from "../connection.ts";
import { readFlags } from "../flags.ts";
import { applyPlan, type Upstream } from "./apply.ts";
import { type AccountPlan, planAccount } from "./plan.ts";
import { pointWebhooks } from "./point-webhooks.ts";
import { type Longwave, readLongwave } from "./present.ts";
import { reportLines } from "./report.ts";
import { readTwilio, type TwilioAccount, type TwilioReader } from "./twilio-reader.ts";

export const usage =
  "import twilio [--apply] [--subaccounts] [--connector NAME] [--history-days DAYS]";
/** As long as Twilio keeps messages. */
const HISTORY_DAYS = 400;

const flags = {
  ...connectionFlags,
  "twilio-account": { type: "string" },
  "twilio-token": { type: "string" },
  "base-url": { type: "string" },
  connector: { type: "string", default: "twilio" },
  "history-days": { type: "string", default: String(HISTORY_DAYS) },
  subaccounts: { type: "boolean", default: false },
  apply: { type: "boolean", default: false },
  "point-here": { type: "string" },
} as const;

type Login = { accountSid: string; authToken: string; baseUrl: string | undefined };

/** Reads an account at Twilio and says, or does, what it takes to have the same here. */
export async function importTwilio(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = readFlags(argv, flags, usage);
  const login = readLogin(values, io);
  const since = readSince(values["history-days"]);
  const publicUrl = values["point-here"];
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) {
    throw usageError("--point-here needs the public address of this Longwave.", `Usage: ${usage}`);
  }
  const operator = await connect(values, io);
  const accounts = await readAccounts(readTwilio(io, login), login, values.subaccounts);
  const present = await readLongwave(operator);
  for (const account of accounts) {
    const isMain = account.sid === login.accountSid;
    const own = isMain ? login : subLogin(account, login);
    const reader = readTwilio(io, own);
    const target = isMain ? operator.accountSid : account.sid;
    const plan = await planAccount(reader, account, { target, present, since });
    io.out.write(reportLines(plan).join(""));
    const connector = isMain ? values.connector : `${values.connector}-${account.sid.slice(-8)}`;
    const upstream = { ...own, connector };
    if (values.apply) await apply(io, operator, { plan, upstream, present });
    if (values.apply && publicUrl !== undefined) {
      const count = await pointWebhooks(reader, { accountSid: account.sid, connector, publicUrl });
      io.out.write(`  ${count} webhooks at Twilio lead here now.\n`);
    }
  }
  if (!values.apply) io.out.write("\nNothing was changed. Run it again with --apply.\n");
  return exitCodes.done;
}

async function apply(
  io: CommandIo,
  operator: Connection,
  of: { plan: AccountPlan; upstream: Upstream; present: Longwave },
): Promise<void> {
  const { optOutsAdded } = await applyPlan(operator, of);
  const { numbers, services } = of.plan;
  const isNew = services.filter((service) => service.isNew).length;
  io.out.write(
    `  Imported: ${numbers.length} numbers, ${isNew} services, ${optOutsAdded} opt-outs new here.\n`,
  );
}

function readLogin(
  values: { "twilio-account"?: string; "twilio-token"?: string; "base-url"?: string },
  { env }: CommandIo,
): Login {
  const accountSid = values["twilio-account"] ?? env.TWILIO_ACCOUNT_SID;
  const authToken = values["twilio-token"] ?? env.TWILIO_AUTH_TOKEN;
  if (accountSid !== undefined && authToken !== undefined) {
    return { accountSid, authToken, baseUrl: values["base-url"]?.replace(/\/+$/, "") };
  }
  throw usageError(
    "The credentials at Twilio are missing.",
    "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or give --twilio-account and --twilio-token.",
  );
}

function readSince(text: string): Date | undefined {
  const days = Number(text);
  if (!Number.isInteger(days) || days < 0 || days > 4_000) {
    throw usageError(`'${text}' is no number of days from 0 to 4,000.`, `Usage: ${usage}`);
  }
  return days === 0 ? undefined : new Date(systemClock().getTime() - days * DAY);
}

async function readAccounts(
  reader: TwilioReader,
  { accountSid }: Login,
  isWithSubaccounts: boolean,
): Promise<TwilioAccount[]> {
  const main = await reader.get<TwilioAccount>("api", `/2010-04-01/Accounts/${accountSid}.json`);
  const accounts = [main];
  if (!isWithSubaccounts) return accounts;
  const all = reader.list<TwilioAccount>("api", "/2010-04-01/Accounts.json", "accounts");
  for await (const account of all) {
    if (account.sid !== accountSid && account.status === "active") accounts.push(account);
  }
  return accounts;
}

function subLogin(account: TwilioAccount, login: Login): Login {
  const { sid: accountSid, auth_token: authToken } = account;
  if (authToken !== undefined) return { ...login, accountSid, authToken };
  throw new CommandError(
    exitCodes.failed,
    `Twilio does not tell the token of the subaccount ${accountSid}.`,
    "Use the main account's auth token instead of an API key.",
  );
}
