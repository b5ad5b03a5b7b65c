import type { MessageId } from "../lib/message-id.ts";
import type { MediaList } from "./media.ts";

export type MessageStatus =
  | "accepted"
  | "scheduled"
  | "queued"
  | "sending"
  | "sent"
  | "delivered"
  | "undelivered"
  | "failed"
  | "canceled"
  | "receiving"
  | "received";

export type Direction = "outbound-api" | "outbound-reply" | "inbound";

/** A message as it stands now: what was accepted, and what became of it. */
export type Message = {
  readonly id: MessageId;
  readonly account: number;
  readonly direction: Direction;
  /** Empty until a sender of its messaging service is chosen. */
  readonly sender: string;
  readonly recipient: string;
  readonly body: string;
  readonly segments: number;
  readonly status: MessageStatus;
  readonly errorCode: number | undefined;
  readonly priceMicros: bigint | undefined;
  readonly createdAt: Date;
  readonly sentAt: Date | undefined;
  readonly updatedAt: Date;
  readonly isSimulated: boolean;
  /** The messaging service that it was sent through, or that the texted number is in. */
  readonly service: string | undefined;
  readonly media: MediaList | undefined;
};

/** Urgency of a message in its lane: 0 leaves first. */
export type Priority = 0 | 1 | 2 | 3;

export const finalStatuses: ReadonlySet<MessageStatus> = new Set([
  "delivered",
  "undelivered",
  "failed",
  "canceled",
  "received",
]);
