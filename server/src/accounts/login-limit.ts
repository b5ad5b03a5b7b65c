import { type Clock, MINUTE } from "../lib/clock.ts";

/** Wrong passwords from one address in a minute before it must wait for the next. */
const FAILURES_MAX = 30;
/** The addresses remembered: some 2 MB. */
const ADDRESSES_MAX = 10_000;

/** Counts failed logins per address, so that nobody can guess tokens quickly. */
export type LoginLimit = {
  /** Seconds until the address may try again; nothing when it may now. */
  readonly waitS: (address: string) => number | undefined;
  readonly countFailure: (address: string) => void;
};

export function createLoginLimit(clock: Clock): LoginLimit {
  const failures = new Map<string, { since: number; count: number }>();
  return {
    waitS: (address) => {
      const entry = failures.get(address);
      if (entry === undefined || entry.count < FAILURES_MAX) return undefined;
      const restMs = entry.since + MINUTE - clock().getTime();
      return restMs > 0 ? Math.ceil(restMs / 1_000) : undefined;
    },
    countFailure: (address) => {
      const now = clock().getTime();
      const entry = failures.get(address);
      if (entry !== undefined && now < entry.since + MINUTE) {
        entry.count += 1;
        return;
      }
      failures.delete(address); // a Map keeps the order of insertion: the first entry is the oldest
      failures.set(address, { since: now, count: 1 });
      const [oldest] = failures.keys();
      if (failures.size > ADDRESSES_MAX && oldest !== undefined) failures.delete(oldest);
    },
  };
}
