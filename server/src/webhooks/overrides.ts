import { SECOND } from "../lib/clock.ts";

export type RetryPolicy = "4xx" | "5xx" | "ct" | "rt" | "all";

/** A webhook's URL without its fragment, and what the fragment asks for (Twilio's connection overrides). */
export type Target = {
  readonly url: string;
  readonly connectMs: number;
  readonly readMs: number;
  readonly totalMs: number;
  /** Immediate retries, before the slow ones. */
  readonly retryCount: number;
  readonly retryPolicies: ReadonlySet<RetryPolicy>;
};

const policies: readonly RetryPolicy[] = ["4xx", "5xx", "ct", "rt", "all"];

/** Values outside Twilio's ranges are moved to their nearest bound; unknown names are ignored. */
export function parseTarget(configured: string): Target {
  const at = configured.indexOf("#");
  const options = new URLSearchParams(at < 0 ? "" : configured.slice(at + 1));
  const number = (name: string, usual: number, least: number, most: number) => {
    const text = options.get(name) ?? "";
    return /^\d+$/.test(text) ? Math.min(Math.max(Number(text), least), most) : usual;
  };
  const asked = (options.get("rp") ?? "").split(",");
  const chosen = policies.filter((policy) => asked.includes(policy));
  return {
    url: at < 0 ? configured : configured.slice(0, at),
    connectMs: number("ct", 5 * SECOND, 100, 10 * SECOND),
    readMs: number("rt", 15 * SECOND, 100, 15 * SECOND),
    totalMs: number("tt", 15 * SECOND, 100, 15 * SECOND),
    retryCount: number("rc", 1, 0, 5),
    retryPolicies: new Set(chosen.length === 0 ? ["ct"] : chosen),
  };
}
