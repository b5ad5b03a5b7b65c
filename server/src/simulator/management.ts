import {
  type CancelSm,
  emptyMessage,
  type Pdu,
  type QuerySm,
  type ReplaceSm,
  type ShortMessage,
  type SubmitMulti,
  statuses,
  type Unsuccess,
} from "../smpp/pdus.ts";
import { absoluteTime } from "../smpp/times.ts";
import { states } from "./behaviours.ts";
import type { Carrier, SubmitAnswer } from "./carrier.ts";

type Needs = { readonly carrier: Carrier; readonly nowMs: number };

type Accepted = Extract<SubmitAnswer, { kind: "accepted" }>;

/** query_sm (SMPP 3.4, section 4.8): a text is on its way until its receipt's time, or on its phone. */
export function answerQuery({ carrier, nowMs }: Needs, pdu: QuerySm): Pdu {
  const { sequence, messageId } = pdu;
  const answer = { command: "query_sm_resp", sequence, messageId } as const;
  const text = carrier.texts.find(messageId, pdu.source);
  if (text === undefined) {
    const status = statuses.invalidMessageId;
    return { ...answer, status, finalDate: "", messageState: 0, errorCode: 0 };
  }
  const isDone = text.open === undefined || nowMs >= text.doneAtMs;
  return {
    ...{ ...answer, status: statuses.ok },
    finalDate: isDone ? absoluteTime(new Date(text.doneAtMs)) : "",
    messageState: isDone ? text.state : states.enroute,
    errorCode: isDone ? Number(text.error) % 256 : 0,
  };
}

/** cancel_sm (section 4.9): one by its id, or without one all between two numbers. */
export function answerCancel({ carrier, nowMs }: Needs, pdu: CancelSm): Pdu {
  const { sequence, messageId, source: sender, dest: recipient, serviceType } = pdu;
  const status = (() => {
    if (messageId === "") {
      const found = carrier.texts.openBetween({ sender, recipient, serviceType });
      const cancelled = found.filter((text) => carrier.cancel(text, nowMs));
      return cancelled.length > 0 ? statuses.ok : statuses.cancelFailed;
    }
    const text = carrier.texts.find(messageId, sender);
    if (text === undefined) return statuses.invalidMessageId;
    if (recipient !== "" && recipient !== text.recipient) return statuses.cancelFailed;
    return carrier.cancel(text, nowMs) ? statuses.ok : statuses.cancelFailed;
  })();
  return { command: "cancel_sm_resp", status, sequence };
}

/** replace_sm (section 4.10): text, receipt and time of one that no phone has yet. */
export function answerReplace({ carrier, nowMs }: Needs, pdu: ReplaceSm): Pdu {
  const { sequence, scheduleTime, validityPeriod, registeredDelivery, defaultMsgId } = pdu;
  const text = carrier.texts.find(pdu.messageId, pdu.source);
  const changes = {
    ...{ validityPeriod, registeredDelivery, defaultMsgId },
    ...{ scheduleTime, shortMessage: Buffer.from(pdu.shortMessage) },
  };
  const status =
    text === undefined ? statuses.invalidMessageId : carrier.replace(text, changes, nowMs);
  return { command: "replace_sm_resp", status, sequence };
}

/** submit_multi (section 4.5): one id for all; of who does not get it, why. */
export function answerMulti(
  pdu: SubmitMulti,
  submit: (message: ShortMessage, id: number | undefined) => SubmitAnswer,
  idOf: (answer: Accepted) => string,
): Pdu {
  const { sequence, destinations, ...message } = pdu;
  let first: Accepted | undefined;
  const unsuccesses: Unsuccess[] = [];
  for (const to of destinations) {
    if (to.kind === "list") {
      unsuccesses.push({ ton: 0, npi: 0, address: to.name, status: statuses.invalidListName });
      continue;
    }
    const { ton, npi, address } = to;
    const dest = { destTon: ton, destNpi: npi, dest: address };
    const answer = submit({ ...emptyMessage, ...message, ...dest }, first?.id);
    if (answer.kind === "refused") unsuccesses.push({ ton, npi, address, status: answer.status });
    if (answer.kind === "accepted") first ??= answer;
  }
  const status = first === undefined ? statuses.submitFailed : statuses.ok;
  const messageId = first === undefined ? "" : idOf(first);
  return { command: "submit_multi_resp", status, sequence, messageId, unsuccesses };
}
