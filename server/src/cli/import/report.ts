import { printable } from "../paint.ts";
import type { AccountPlan } from "./plan.ts";

const NOTES_MAX = 200;

/** What an import of an account does, and what it cannot. */
export function reportLines(plan: AccountPlan): string[] {
  const { account, target, numbers, services, stays, optOuts, notes } = plan;
  const isNew = services.filter((service) => service.isNew).length;
  const joins = services.reduce((sum, one) => sum + one.numbers.length + one.names.length, 0);
  const where = plan.isNewAccount ? `a new account ${target}` : `the account ${target}`;
  const lines = [
    `${account.sid} ${account.friendly_name}, into ${where}`,
    `  Numbers:  ${numbers.length} to add, ${stays.numbers} here already`,
    `  Services: ${isNew} to add under their sids, ${stays.services} here already; ${joins} senders to put into them`,
    `  Opt-outs: ${optOuts.length} in ${plan.messagesRead} messages of the history`,
    ...(notes.length === 0 ? [] : ["  Has no counterpart here, or needs you:"]),
    ...notes.slice(0, NOTES_MAX).map((note) => `    ${note}`),
    ...(notes.length > NOTES_MAX ? [`    … and ${notes.length - NOTES_MAX} more.`] : []),
  ];
  return lines.map((line) => `${printable(line)}\n`);
}
