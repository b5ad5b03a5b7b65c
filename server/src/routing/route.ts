/** A rule by which connector texts go: those of some senders, to some recipients. */
export type Route = {
  readonly name: string;
  readonly connector: string;
  /** The lowest number is asked first. */
  readonly priority: number;
  /** How many of a hundred recipients go this way, 0 to 100. */
  readonly percentage: number;
  /** Numbers; none: any sender. */
  readonly senders: readonly string[];
  /** ISO codes of the recipient's country; none: any. */
  readonly countries: readonly string[];
  /** What the recipient's number begins with, plus sign included; none: any. */
  readonly prefixes: readonly string[];
  /** MCC and MNC of the recipient's network; none: any. */
  readonly networks: readonly string[];
  readonly isEnabled: boolean;
};
