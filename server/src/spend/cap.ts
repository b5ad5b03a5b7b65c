/** What an account may spend in a day, UTC, on texts to one country, or on all of them (`*`). */
export type SpendCap = {
  readonly account: number;
  readonly country: string;
  readonly dailyMicros: number;
  /** What becomes of a queued text that would pass it. */
  readonly over: "refuse" | "defer";
};
