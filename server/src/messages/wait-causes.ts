import type { LegalWait } from "../compliance/verdict.ts";

/** Why a message waits for an instant instead of its turn. The words are stored: never rename one. */
export type WaitCause = LegalWait | "schedule" | "carrier" | "passing error";

type Cause = { readonly words: string; readonly rule: string; readonly remedy?: string };

export const waitCauses: Readonly<Record<WaitCause, Cause>> = {
  schedule: {
    words: "Waits for the instant that it is scheduled for",
    rule: "SendAt of the request.",
  },
  carrier: {
    words: "Waits for the carrier that may have it already",
    rule: "A text whose submission had no certain answer stays with its carrier.",
    remedy: "Enable its connector again, or look why it is not connected.",
  },
  "passing error": {
    words: "Waits to be submitted again, as the carrier had a passing error",
    rule: "After a passing error a text is submitted again, less and less often, as long as it is valid.",
  },
  "quiet hours": {
    words: "Waits for the end of the recipient's quiet hours",
    rule: "Quiet hours are checked when a message leaves the queue.",
  },
  "spend cap": {
    words: "Waits for room under the account's daily spend cap",
    rule: "What a text costs is counted against the cap when it leaves the queue.",
    remedy: "Raise the cap under /longwave/v1/SpendCaps, or wait for the next day, UTC.",
  },
};
