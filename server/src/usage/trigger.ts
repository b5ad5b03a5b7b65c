import type { Sid } from "../lib/sid.ts";

export const triggerFields = ["count", "usage", "price"] as const;
export const recurrences = ["daily", "monthly", "yearly", "alltime"] as const;

/** Who is called when the usage of an account and its subaccounts reaches a value, once in each time. */
export type Trigger = {
  readonly sid: Sid;
  readonly account: number;
  readonly category: string;
  readonly triggerBy: (typeof triggerFields)[number];
  /** Millionths, of dollars or of whatever is counted. */
  readonly triggerMicros: number;
  /** Null: as `alltime`. */
  readonly recurring: (typeof recurrences)[number] | null;
  readonly friendlyName: string;
  readonly callbackUrl: string;
  readonly callbackMethod: "GET" | "POST";
  /** Where its webhook waits. */
  readonly callbackHost: string;
  readonly firedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

export type NewTrigger = Omit<Trigger, "firedAt" | "createdAt" | "updatedAt"> & {
  /** The value is upon what is used now. */
  readonly isOffset: boolean;
};
/** With what is used of the time that runs. */
export type WatchedTrigger = Trigger & { readonly currentMicros: number };

export type TriggerChange = Pick<
  Trigger,
  "friendlyName" | "callbackUrl" | "callbackMethod" | "callbackHost"
>;

/** What the webhook of a trigger needs, kept until it is delivered. */
export type Firing = {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly sid: Sid;
  readonly category: string;
  readonly triggerBy: string;
  readonly triggerMicros: number;
  readonly currentMicros: number;
  readonly recurring: string | null;
  readonly firedAt: string;
};

/** `50`, `0.25`: without zeros that say nothing. */
export function formatMicros(micros: number): string {
  return String(micros / 1_000_000);
}
