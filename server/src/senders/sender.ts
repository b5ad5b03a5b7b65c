import type { Sid } from "../lib/sid.ts";

export type SenderKind = "long_code" | "toll_free" | "short_code";

/** What an operator tells about a number that a connector can carry. */
export type NewSender = {
  /** E.164 with plus; the digits of a short code. */
  readonly number: string;
  readonly kind: SenderKind;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly connector: string;
  readonly segmentsPerSecond: number;
  /** 1 to 36,000; 14,400 when left out. */
  readonly maxQueueSeconds?: number | undefined;
  readonly canMms?: boolean | undefined;
};

/** A number of the inventory, held by nobody or by somebody. */
export type InventoryNumber = {
  readonly number: string;
  readonly kind: SenderKind;
  readonly country: string;
  readonly connector: string;
  readonly segmentsPerSecond: number;
  readonly maxQueueSeconds: number;
  readonly canMms: boolean;
  readonly sid: Sid | undefined;
  readonly account: number | undefined;
  /** The messaging service that it is in. */
  readonly service: Sid | null;
  readonly inServiceSince: Date | null;
  readonly friendlyName: string;
  readonly smsUrl: string;
  readonly smsMethod: "GET" | "POST";
  readonly smsFallbackUrl: string;
  readonly smsFallbackMethod: "GET" | "POST";
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** A number that an account holds and may send from: its resource is `PN…`, or `SC…` for a short code. */
export type Sender = InventoryNumber & { readonly sid: Sid; readonly account: number };

/** What a message can come from: a number, or a name (an alphanumeric sender) that a connector carries. */
export type CarriedSender = Pick<
  InventoryNumber,
  "number" | "connector" | "segmentsPerSecond" | "maxQueueSeconds" | "service"
> & {
  readonly kind: SenderKind | "name";
  /** Empty for a name: it is of no country. */
  readonly country: string;
};

export type SenderSettings = {
  readonly [Name in
    | "friendlyName"
    | "smsUrl"
    | "smsMethod"
    | "smsFallbackUrl"
    | "smsFallbackMethod"]?: Sender[Name] | undefined;
};
