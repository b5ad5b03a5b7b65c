import { type Pdu, statuses } from "../../smpp/pdus.ts";
import type { SubmitResult } from "../connector.ts";

/** A carrier that throttles counts by the second. */
const THROTTLED_MS = 1_000;

/** Statuses that pass (SMPP 3.4, section 5.1.3), by what becomes of the text meanwhile. */
const passing: Readonly<Record<number, (carrierCode: string) => SubmitResult>> = {
  [statuses.throttled]: (carrierCode) => ({
    kind: "throttled",
    retryAfterMs: THROTTLED_MS,
    carrierCode,
  }),
  [statuses.queueFull]: (carrierCode) => ({ kind: "queueFull", carrierCode }),
  [statuses.systemError]: (carrierCode) => ({ kind: "temporary", carrierCode }),
  [statuses.temporaryAppError]: (carrierCode) => ({ kind: "temporary", carrierCode }),
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
  const passes = passing[status];
  if (passes !== undefined) return passes(carrierCode);
  return { kind: "refused", errorCode: refusals[status] ?? 30008, carrierCode };
}
