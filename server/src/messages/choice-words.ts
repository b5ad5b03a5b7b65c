import type { ChoiceRule, Exclusion, Exclusions } from "../senders/choose-sender.ts";

/** What the events about a choice hold. */
export type ChoiceData = {
  readonly from?: string;
  readonly service?: string;
  readonly rule?: ChoiceRule;
  readonly candidates?: readonly { readonly sender: string; readonly queueS: number }[];
  readonly excluded?: Exclusions;
};

const rules: Readonly<Record<ChoiceRule, string>> = {
  sticky: "this recipient's texts came from it before (StickySender)",
  "short code at home": "it is a short code of the recipient's country",
  "number at home": "it is a number of the recipient's country",
  "area code": "it has the recipient's area code (AreaCodeGeomatch)",
  name: "the recipient's country takes names",
  fallback: "nobody in the service can carry it now, and the text names this one (FallbackFrom)",
  "number abroad": "no sender of the recipient's country is in the service",
};

const exclusions: Readonly<Record<Exclusion, string>> = {
  "short code abroad": "a short code of another country",
  "toll-free abroad": "toll-free in another country",
  "name not taken": "a name, which the country does not take",
  "name of another country": "a name for another country",
  "not allowed": "stopped by a rule, such as a registration",
  "queue full": "full",
  "no connector": "without a connector",
};

/** Which sender was chosen, and why. */
export function choiceWords({ from, service, rule, candidates = [], excluded }: ChoiceData): {
  readonly words: string;
  readonly rule: string;
} {
  const others = candidates.slice(1).map(({ sender, queueS }) => `${sender} (${queueS} s)`);
  const queueS = candidates[0]?.queueS ?? 0;
  const beside =
    others.length === 0
      ? ""
      : ` Its queue of ${queueS} s was as short as any: ${others.join(", ")}.`;
  return {
    words: `The messaging service chose ${from}: ${rule === undefined ? "by its rules" : rules[rule]}.${beside}${exclusionWords(excluded)}`,
    rule: `The pool of the messaging service ${service}.`,
  };
}

/** ` Not: 2 a short code of another country, 1 full.` */
export function exclusionWords(excluded: Exclusions = {}): string {
  const parts = Object.entries(excluded).map(
    ([why, count]) => `${count} ${exclusions[why as Exclusion] ?? why}`,
  );
  return parts.length === 0 ? "" : ` Passed over: ${parts.join(", ")}.`;
}
