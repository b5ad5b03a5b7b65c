import type { Sid } from "../lib/sid.ts";

export type AccountStatus = "active" | "suspended" | "closed";

export type Account = {
  readonly id: number;
  readonly sid: Sid;
  /** The account that owns this subaccount. */
  readonly parent: number | undefined;
  readonly friendlyName: string;
  readonly status: AccountStatus;
  /** Test credentials: nothing is stored or sent. */
  readonly isTest: boolean;
  /** What happens to a message whose submission got no certain answer. */
  readonly whenUnknown: "resend" | "hold";
  /** Of all its senders together; nothing: no such limit. */
  readonly segmentsPerSecond?: number | undefined;
  /** Of messages that name none; 0 leaves first. */
  readonly defaultPriority: 0 | 1 | 2 | 3;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

export type ApiKey = {
  readonly sid: Sid;
  readonly account: number;
  readonly friendlyName: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};
