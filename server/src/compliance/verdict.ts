/** What a text waits for by a rule; `messages/wait-causes.ts` says each in words. */
export type LegalWait = "quiet hours" | "spend cap";

/** Whether a message may leave now. Asked when it is accepted, and again when it is claimed. */
export type Verdict =
  | { readonly kind: "allowed" }
  | { readonly kind: "refused"; readonly errorCode: number }
  | { readonly kind: "later"; readonly notBefore: Date; readonly why: LegalWait };

export const allowed: Verdict = { kind: "allowed" };

export function refused(errorCode: number): Verdict {
  return { kind: "refused", errorCode };
}
