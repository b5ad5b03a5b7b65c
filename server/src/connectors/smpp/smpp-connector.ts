import type { Socket } from "node:net";
import type { Clock } from "../../lib/clock.ts";
import { segmentBody } from "../../segments/segment.ts";
import {
  type DeliverSm,
  emptyMessage,
  type ShortMessage,
  statuses,
  type Tlvs,
} from "../../smpp/pdus.ts";
import { type OtherRequest, SmppNoAnswer } from "../../smpp/session.ts";
import type {
  AnswerFate,
  Connector,
  ConnectorEvents,
  Submission,
  SubmitResult,
} from "../connector.ts";
import { stateOfAll } from "../state-of-all.ts";
import { submitResultOf } from "./answers.ts";
import { type Bind, type Connection, keepBound } from "./bind.ts";
import { createOwnReferences } from "./own-references.ts";
import { isReceipt, readReceipt } from "./receipt.ts";
import { createReceiptIds } from "./receipt-ids.ts";
import type { SmppSettings } from "./settings.ts";
import { toShortMessage } from "./submission.ts";
import { decodeText } from "./text.ts";
import { createTrace } from "./trace.ts";
import { createVendorTlvs } from "./vendor-tlvs.ts";

export type SmppConnectorNeeds = {
  readonly name: string;
  readonly carrierAccount: string;
  readonly isSimulated: boolean;
  readonly optOutsUpstream: boolean;
  readonly settings: SmppSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly connectSocket: (host: string, port: number) => Promise<Socket>;
  readonly events: ConnectorEvents;
};

/** What to answer, and who is told what becomes of the answer. */
type Taken = { readonly status: number; readonly onFate?: (fate: AnswerFate) => void };

/** SMPP 3.4, section 5.2.22. */
const SHORT_MESSAGE_OCTETS_MAX = 254;

/** Our binds to one carrier account. Each comes back by itself; what one cannot take goes by another. */
export function createSmppConnector(app: SmppConnectorNeeds): Connector {
  const { name, settings, events } = app;
  const receiptIds = createReceiptIds(settings.receiptIds);
  const references = createOwnReferences(settings.userMessageReference);
  const vendorTlvsOf = createVendorTlvs(settings);
  const { segmentsPerDay } = settings;
  const takesWholeTexts = settings.concatenation === "payload";
  let isClosed = false;

  /** The carrier is answered when what it told is durable; else it is asked to tell it again. */
  const takeMessage = async (
    message: ShortMessage,
    { id, settings: dialect }: Connection,
  ): Promise<Taken> => {
    try {
      if (!isReceipt(message)) {
        const { source: sender, dest: recipient } = message;
        const part = { sender, recipient, ...decodeText(message, dialect) };
        return { status: statuses.ok, onFate: await events.onInbound(name, part, id) };
      }
      const receipt = readReceipt(message, settings.errorCodes);
      if (receipt === undefined) return { status: statuses.ok };
      const { status, errorCode, carrierCode, doneDate } = receipt;
      const carrierMessageId =
        references.idOf(message) ?? receiptIds.translate(receipt.carrierMessageId, message.source);
      await events.onReceipt(name, { carrierMessageId, status, errorCode, carrierCode, doneDate });
      return { status: statuses.ok };
    } catch {
      return { status: statuses.temporaryAppError };
    }
  };

  const takeDeliver = async (from: Connection, pdu: DeliverSm) => {
    const { status, onFate } = await takeMessage(pdu, from);
    from.session.respond(pdu, status, undefined, onFate);
  };

  /** Some carriers send receipts as data_sm, which says the same in TLVs. */
  const takeOther = async (from: Connection, pdu: OtherRequest) => {
    if (pdu.command !== "data_sm") return;
    const { status, onFate } = await takeMessage({ ...emptyMessage, ...pdu }, from);
    const { sequence } = pdu;
    from.session.reply({ command: "data_sm_resp", status, sequence, messageId: "" }, onFate);
  };

  const trace = createTrace({ clock: app.clock, settings });
  const binds = settings.binds.map((bind, index) =>
    keepBound({
      ...{ settings, bind, clock: app.clock, random: app.random },
      connectSocket: app.connectSocket,
      onReady: () => events.onReady(name),
      onAlert: (sentence) => events.onAlert?.(name, sentence),
      onDeliver: (from, pdu) => void takeDeliver(from, pdu),
      onOther: (from, pdu) => void takeOther(from, pdu),
      onPdu: trace.ofBind(`${index + 1} ${bind.as}`, bind.defaultAlphabet),
    }),
  );
  const submitting = binds.filter(({ canSubmit }) => canSubmit);

  type Outgoing = {
    readonly submission: Submission;
    readonly vendorTlvs: Tlvs;
    readonly segments: number;
    readonly reference: number | undefined;
  };
  const submit = (outgoing: Outgoing, done: (result: SubmitResult) => void) => {
    const { submission, segments, reference } = outgoing;
    const bind = freest(submitting);
    if (bind === undefined) return done({ kind: "unavailable", carrierCode: "no bind is open" });
    const message = toShortMessage(submission, bind.settings, {
      vendorTlvs: outgoing.vendorTlvs,
      reference,
      now: app.clock(),
    });
    if (message.shortMessage.length > SHORT_MESSAGE_OCTETS_MAX) {
      return done({ kind: "refused", errorCode: 30008, carrierCode: "short_message too long" });
    }
    return bind.submit({ message, segments }, (answer) => {
      if (!(answer instanceof SmppNoAnswer)) {
        const id = "messageId" in answer ? answer.messageId : "";
        if (answer.status === statuses.ok) {
          receiptIds.accepted(id, message.dest);
          references.accepted(reference, id, message.dest);
        }
        done(submitResultOf(answer, id));
      } else if (answer.isWritten) done({ kind: "unknown", carrierCode: answer.message });
      else if (!isClosed && bind.state().phase !== "bound" && hasFree(submitting)) {
        // Its bind was lost before its bytes left: another takes it at once.
        return submit(outgoing, done);
      } else done({ kind: "unavailable", carrierCode: answer.message });
      return events.onReady(name);
    });
  };

  return {
    ...{ name, carrierAccount: app.carrierAccount, isSimulated: app.isSimulated },
    ...{ optOutsUpstream: app.optOutsUpstream, takesWholeTexts },
    ...(segmentsPerDay === 0 ? {} : { dayLimit: { segmentsPerDay, zone: settings.dayZone } }),
    freeSlots: () => (isClosed ? 0 : submitting.reduce((sum, bind) => sum + bind.freeSlots(), 0)),
    submit: (submission) => {
      const reference = references.next();
      const vendorTlvs = vendorTlvsOf(submission);
      const segments = takesWholeTexts ? segmentBody(submission.text).segments : 1;
      return new Promise((done) => submit({ submission, vendorTlvs, segments, reference }, done));
    },
    trace: trace.read,
    state: () =>
      isClosed ? { phase: "stopped" } : stateOfAll(submitting.map((bind) => bind.state())),
    close: async () => {
      isClosed = true;
      await Promise.all(binds.map((bind) => bind.close()));
    },
  };
}

function hasFree(binds: readonly Bind[]): boolean {
  return binds.some((bind) => bind.freeSlots() > 0);
}

function freest(binds: readonly Bind[]): Bind | undefined {
  let found: Bind | undefined;
  let most = 0;
  for (const bind of binds) {
    const free = bind.freeSlots();
    if (free <= most) continue;
    most = free;
    found = bind;
  }
  // Without a free slot the first that is open still takes it, as the caller wants it sent now.
  return found ?? binds.find((bind) => bind.isOpen());
}
