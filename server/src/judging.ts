import { type Judged, judgeMessage } from "./compliance/judge-message.ts";
import type { RuleBook } from "./compliance/rule-book.ts";
import { allowed, refused, type Verdict } from "./compliance/verdict.ts";
import { type Clock, DAY, SECOND } from "./lib/clock.ts";
import type { NetworkBook } from "./numbers/network-book.ts";
import { countryOf, type PhoneNumber } from "./numbers/phone-number.ts";
import type { SpendCap } from "./spend/cap.ts";
import type { CapBook } from "./spend/cap-book.ts";
import type { SpendMeter } from "./spend/meter.ts";
import type { PriceBook } from "./spend/price-book.ts";

/** Where a text waits for a block of its cap: one turn of the database. */
const BLOCK_WAIT_MS = 1 * SECOND;

type Needs = {
  readonly clock: Clock;
  readonly ruleBook: Pick<RuleBook, "current">;
  readonly priceBook: Pick<PriceBook, "current">;
  readonly networkBook: Pick<NetworkBook, "of">;
  readonly capBook: Pick<CapBook, "current">;
  readonly spendMeter: Pick<SpendMeter, "pay" | "canPay">;
};

/** What is asked of a message from memory, first what is lawful, then what is affordable. */
export type Judges = {
  /** When it comes in: whether it would have to be refused. Counts nothing. */
  readonly accepted: (message: Judged) => Verdict;
  /** When it is claimed: what is allowed is counted against the caps. */
  readonly claimed: (message: Judged, segments: number) => Verdict;
};

export function createJudges(app: Needs): Judges {
  const judge = (message: Judged, pay: (bill: Bill) => Verdict): Verdict => {
    const now = app.clock();
    const verdict = judgeMessage(app.ruleBook.current(), message, now);
    if (verdict.kind !== "allowed" || message.isKeywordReply) return verdict;
    const bill = billOf(app, message, now);
    return bill === undefined ? allowed : pay(bill);
  };
  return {
    accepted: (message) =>
      judge(message, (bill) =>
        app.spendMeter.canPay(bill.caps, bill.perSegment) ? allowed : beyond(bill, message),
      ),
    claimed: (message, segments) =>
      judge(message, (bill) => {
        switch (app.spendMeter.pay(bill.caps, bill.perSegment * segments)) {
          case "paid":
            return allowed;
          case "asked":
            return later(new Date(bill.now.getTime() + BLOCK_WAIT_MS));
          case "over":
            return beyond(bill, message);
        }
      }),
  };
}

type Bill = {
  readonly caps: readonly SpendCap[];
  readonly perSegment: number;
  readonly now: Date;
};

/** Nothing for what counts against no cap: none is set, or no price list has the country. */
function billOf(app: Needs, message: Judged, now: Date): Bill | undefined {
  const country = countryOf(message.recipient as PhoneNumber); // parsed before it was accepted
  const caps = app.capBook.current().of(message.account, country);
  if (caps.length === 0) return undefined;
  const { connector, recipient } = message;
  const to = { connector, country, network: app.networkBook.of(recipient) };
  const perSegment = app.priceBook.current().perSegment(to, now);
  return perSegment === undefined ? undefined : { caps, perSegment, now };
}

function beyond({ caps, now }: Bill, { validUntil }: Judged): Verdict {
  const tomorrow = new Date((Math.floor(now.getTime() / DAY) + 1) * DAY);
  const mayWait = caps.every(({ over }) => over === "defer") && tomorrow < validUntil;
  return mayWait ? later(tomorrow) : refused(63038);
}

function later(notBefore: Date): Verdict {
  return { kind: "later", notBefore, why: "spend cap" };
}
