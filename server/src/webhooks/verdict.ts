import type { Clock } from "../lib/clock.ts";
import type { Exchange } from "../lib/http-exchange.ts";
import { parseRetryAfter } from "./retry-delay.ts";

/** What follows from an attempt. `isHostWell` feeds the host's breaker. */
export type Verdict =
  | { readonly kind: "done" | "never"; readonly isHostWell: boolean }
  | { readonly kind: "again"; readonly isHostWell: boolean; readonly retryAfterMs: number }
  /** The host was not asked. */
  | { readonly kind: "skipped" };

const done: Verdict = { kind: "done", isHostWell: true };

/** 2xx is success; 410 and a refused address end it (Standard Webhooks); the rest is tried again. */
export function verdictOn(answer: Exchange, clock: Clock): Verdict {
  if (answer.kind === "failed") {
    return answer.reason === "address-refused"
      ? { kind: "never", isHostWell: true }
      : { kind: "again", isHostWell: false, retryAfterMs: 0 };
  }
  if (answer.status >= 200 && answer.status < 300) return done;
  if (answer.status === 410) return { kind: "never", isHostWell: true };
  const isBusy = answer.status === 429 || answer.status === 503;
  const retryAfterMs = isBusy ? parseRetryAfter(answer.headers["retry-after"], clock()) : 0;
  return { kind: "again", isHostWell: answer.status < 500 && !isBusy, retryAfterMs };
}

/** Twilio's code for a webhook that was not fetched; nothing for a 2xx. */
export function errorCodeOf(answer: Exchange): number | undefined {
  if (answer.kind === "failed") return codeByReason[answer.reason];
  if (answer.isTruncated) return 11750;
  if (answer.status >= 200 && answer.status < 300) return undefined;
  return answer.status >= 300 && answer.status < 400 ? 11200 : 11217;
}

const codeByReason = {
  "address-refused": 11200,
  dns: 11210,
  connect: 11205,
  tls: 11220,
  "connect-timeout": 11205,
  "read-timeout": 11200,
  protocol: 11206,
} as const;
