import type { Sid } from "../lib/sid.ts";
import type { Sender } from "./sender.ts";

/** Twilio's default: numbers, short codes and names of one service. */
export const POOL_SIZE_MAX = 400;

export const usecases = [
  ...(["notifications", "marketing", "verification"] as const),
  ...(["discussion", "poll", "undeclared"] as const),
] as const;

export type ServiceSettings = {
  readonly friendlyName: string;
  readonly inboundRequestUrl: string | null;
  readonly inboundMethod: "GET" | "POST";
  readonly fallbackUrl: string | null;
  readonly fallbackMethod: "GET" | "POST";
  readonly statusCallback: string | null;
  readonly useInboundWebhookOnNumber: boolean;
  readonly stickySender: boolean;
  readonly areaCodeGeomatch: boolean;
  readonly smartEncoding: boolean;
  /** Seconds. */
  readonly validityPeriod: number;
  readonly usecase: (typeof usecases)[number];
  readonly defaultPriority: 0 | 1 | 2 | 3 | null;
  readonly kept: KeptSettings;
};

/** What Twilio's clients set and read back, and nothing here depends on. */
export type KeptSettings = {
  readonly mmsConverter: boolean;
  readonly fallbackToLongCode: boolean;
  readonly scanMessageContent: "inherit" | "enable" | "disable";
  readonly synchronousValidation: boolean;
};

export const defaultSettings: Omit<ServiceSettings, "friendlyName"> = {
  ...{ inboundRequestUrl: null, inboundMethod: "POST", fallbackUrl: null, fallbackMethod: "POST" },
  ...{ statusCallback: null, useInboundWebhookOnNumber: false, stickySender: true },
  ...{ areaCodeGeomatch: true, smartEncoding: true, validityPeriod: 36_000 },
  ...{ usecase: "undeclared", defaultPriority: null },
  kept: {
    ...{ mmsConverter: true, fallbackToLongCode: true, scanMessageContent: "inherit" },
    synchronousValidation: false,
  },
};

export type ServiceRow = ServiceSettings & {
  readonly sid: Sid;
  readonly account: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** A name that a service sends from: everywhere, or in one country instead of that. */
export type AlphaSender = {
  readonly sid: Sid;
  readonly service: Sid;
  readonly name: string;
  readonly country: string | null;
  readonly createdAt: Date;
};

/** A messaging service with its senders. */
export type Service = ServiceRow & {
  readonly numbers: readonly Sender[];
  readonly alphaSenders: readonly AlphaSender[];
};

/** Twilio's form of an alphanumeric sender: up to eleven characters, at least one of them a letter. */
export function isAlphaName(text: string): boolean {
  return /^(?=.*[A-Za-z])[A-Za-z0-9 \-+_&]{1,11}$/.test(text) && text.trim() === text;
}
