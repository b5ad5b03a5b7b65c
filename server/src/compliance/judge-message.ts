import { countryOf, type PhoneNumber } from "../numbers/phone-number.ts";
import { isRegistrationAsked } from "./registration.ts";
import type { AccountRules, Rules } from "./rule-book.ts";
import { allowed, refused, type Verdict } from "./verdict.ts";

/** What the rules look at. */
export type Judged = {
  readonly account: number;
  readonly sender: string;
  readonly recipient: string;
  /** Which carries it. */
  readonly connector: string;
  /** The legal answer to a STOP or HELP, which no rule stops. */
  readonly isKeywordReply: boolean;
  /** Only what its sender called marketing has quiet hours. */
  readonly isMarketing: boolean;
  readonly validUntil: Date;
};

/** Whether a message may leave now. Looks only into memory: it runs for every message, twice. */
export function judgeMessage(rules: Rules, message: Judged, now: Date): Verdict {
  if (message.isKeywordReply) return allowed;
  const { sender, recipient } = message;
  // A short code is texted in its own country only, and by nobody who must register.
  if (!recipient.startsWith("+")) return allowed;
  const country = countryOf(recipient as PhoneNumber); // parsed before it was accepted
  const own = rules.of(message.account);
  if (!isCountryOpen(own, { recipient, country })) return refused(21408);
  const unregistered = rules.unregistered.get(sender);
  if (unregistered !== undefined && isRegistrationAsked(unregistered, country)) {
    return refused(unregistered);
  }
  if (!message.isMarketing) return allowed;
  const opensAt = rules.quietHours.opensAt(recipient, country, now);
  return opensAt === undefined ? allowed : inQuietHours(own, message, opensAt);
}

function inQuietHours(
  { quietHours }: AccountRules,
  { validUntil }: Judged,
  opensAt: Date,
): Verdict {
  if (quietHours === "refuse") return refused(30610);
  if (opensAt >= validUntil) return refused(30047);
  return { kind: "later", notBefore: opensAt, why: "quiet hours" };
}

type Destination = { readonly recipient: string; readonly country: string | undefined };

function isCountryOpen(rules: AccountRules, { recipient, country }: Destination): boolean {
  return (country !== undefined && rules.openCountries.has(country)) || isSafe(rules, recipient);
}

/** The list holds whole numbers, and prefixes for a thousand of them. */
function isSafe({ safeList }: AccountRules, recipient: string): boolean {
  return safeList.size > 0 && (safeList.has(recipient) || safeList.has(recipient.slice(0, -3)));
}
