import type { Judged } from "../compliance/judge-message.ts";
import type { Claim, ClaimedMessage } from "./claim-store.ts";

/** What the rules look at, of a message that was claimed and is to leave by this connector. */
export function judgedOf(
  claimed: { readonly claim: Pick<Claim, "validUntil">; readonly message: ClaimedMessage },
  connector: string,
): Judged {
  const { account, sender, recipient, options } = claimed.message;
  return {
    account,
    sender,
    recipient,
    connector,
    isKeywordReply: options?.isKeywordReply === true,
    isMarketing: options?.isMarketing === true,
    validUntil: claimed.claim.validUntil,
  };
}
