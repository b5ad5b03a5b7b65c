import { ownReply } from "./keyword-sets.ts";
import type { Keyword, KeywordKind, KeywordScope, SenderKind } from "./keywords.ts";

/** What a keyword leads to. */
export type KeywordAnswer = {
  readonly record: "opt-out" | "opt-in" | "nothing";
  /** The one text that goes back, if we are to send it. It goes out despite the opt-out. */
  readonly reply: string | undefined;
  /** The webhook's parameter. */
  readonly optOutType: "STOP" | "START" | "HELP";
};

type Received = {
  readonly keyword: Keyword;
  readonly senderKind: SenderKind;
  /** The carrier answers keywords itself: we record and stay silent. */
  readonly optOutsUpstream: boolean;
  /** Before this text. */
  readonly wasOptedOut: boolean;
  readonly scope?: KeywordScope;
};

const answers = {
  stop: {
    record: "opt-out",
    reply:
      "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.",
    optOutType: "STOP",
  },
  start: {
    record: "opt-in",
    reply:
      "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    optOutType: "START",
  },
  help: {
    record: "nothing",
    reply: "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    optOutType: "HELP",
  },
} as const satisfies Record<KeywordKind, KeywordAnswer>;

/**
 * Decides what a keyword changes and who answers it. One confirmation only: a second STOP is
 * recorded in silence, and so is a START (or a mere "Yes") of someone who never left.
 */
export function keywordAnswer(received: Received): KeywordAnswer {
  const { keyword, scope } = received;
  const answer = answers[keyword.kind];
  if (!weReply(received)) return { ...answer, reply: undefined };
  const own = scope && ownReply(scope.sets, keyword, scope.country);
  return own === undefined ? answer : { ...answer, reply: own };
}

/** What goes back where the service has no reply of its own. */
export function builtInReply(kind: KeywordKind): string {
  return answers[kind].reply;
}

function weReply({ keyword, senderKind, optOutsUpstream, wasOptedOut }: Received): boolean {
  if (optOutsUpstream || senderKind === "toll_free") return false; // toll-free: the network replies
  const changesSomething = { stop: !wasOptedOut, start: wasOptedOut, help: true };
  return changesSomething[keyword.kind];
}
