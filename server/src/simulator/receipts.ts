import { decodeText } from "../connectors/smpp/text.ts";
import type { ShortMessage } from "../smpp/pdus.ts";
import { states } from "./behaviours.ts";
import type { Receipt } from "./delivery.ts";
import type { Reaction, ReceiptPlan } from "./network.ts";

/** The receipts that a text is to have of those that the network would give. */
export function plansFor(pdu: ShortMessage, reaction: Reaction): readonly ReceiptPlan[] {
  const plans = reaction.isOncePerText && !isLastPart(pdu) ? [] : reaction.receipts;
  return plans.filter(({ state }) => isWanted(pdu.registeredDelivery, state));
}

/** registered_delivery of SMPP 3.4, section 5.2.17, and 3, which is of 5.0: successes alone. */
function isWanted(registeredDelivery: number, state: number): boolean {
  const asked = registeredDelivery & 3;
  const isSuccess = state === states.delivered;
  return asked === 1 || (asked === 2 && !isSuccess) || (asked === 3 && isSuccess);
}

function isLastPart(pdu: ShortMessage): boolean {
  const { part, total } = decodeText(pdu);
  return part === total;
}

export function receiptOf(
  pdu: ShortMessage,
  about: { number: number; reaction: Reaction; plan: ReceiptPlan; id: number; nowMs: number },
): Receipt {
  const { number, reaction, plan, id, nowMs } = about;
  return {
    kind: "receipt",
    number,
    messageId: String(id),
    // With the optional parameter a gateway would find the id without conversion.
    isBare: reaction.isBare || reaction.ids === "hex" || reaction.ids === "decimal then hex",
    phone: pdu.dest,
    phoneTon: pdu.destTon,
    phoneNpi: pdu.destNpi,
    sender: pdu.source,
    senderTon: pdu.sourceTon,
    senderNpi: pdu.sourceNpi,
    state: plan.state,
    error: plan.error,
    submittedAtMs: nowMs,
    doneAtMs: nowMs + plan.afterMs,
  };
}
