import { type Pdu, statuses } from "../../smpp/pdus.ts";
import type { SubmitResult } from "../connector.ts";

const THROTTLED_MS = 1_000;
const QUEUE_FULL_MS = 2_000;
const TEMPORARY_MS = 5_000;

/** Statuses that pass, by how long to wait (SMPP 3.4, section 5.1.3). */
const temporary: Readonly<Record<number, number>> = {
  [statuses.throttled]: THROTTLED_MS,
  [statuses.queueFull]: QUEUE_FULL_MS,
  [statuses.systemError]: TEMPORARY_MS,
  [statuses.temporaryAppError]: TEMPORARY_MS,
};

/** Final statuses with a code of their own; any other is 30008, unknown error. */
const refusals: Readonly<Record<number, number>> = {
  [statuses.invalidDestination]: 30005,
  [statuses.invalidSource]: 21606,
  [statuses.permanentAppError]: 30007,
  [statuses.rejectedByApp]: 30007,
};

/** What the answer to a submit_sm says. A generic_nack never accepts, whatever its status. */
export function submitResultOf(
  { command, status }: Pick<Pdu, "command" | "status">,
  messageId: string,
): SubmitResult {
  if (status === statuses.ok && command === "submit_sm_resp") {
    return { kind: "accepted", carrierMessageId: messageId };
  }
  const carrierCode = `0x${status.toString(16).padStart(8, "0")}`;
  const retryAfterMs = temporary[status];
  if (retryAfterMs !== undefined) return { kind: "throttled", retryAfterMs, carrierCode };
  return { kind: "refused", errorCode: refusals[status] ?? 30008, carrierCode };
}
