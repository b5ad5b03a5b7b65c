import type { Socket } from "node:net";
import type { Clock } from "../../lib/clock.ts";
import { type DeliverSm, emptyMessage, statuses } from "../../smpp/pdus.ts";
import { openSession, SmppNoAnswer, type SmppSession } from "../../smpp/session.ts";
import type { Connector, ConnectorEvents, ConnectorState, Submission } from "../connector.ts";
import { submitResultOf } from "./answers.ts";
import { isReceipt, readReceipt } from "./receipt.ts";
import type { SmppSettings } from "./settings.ts";
import { decodeText, encodeText } from "./text.ts";

const RECONNECT_MS_MIN = 500;
const RECONNECT_MS_MAX = 60_000;
/** A wrong password does not get right by asking often; some carriers lock the account. */
const REFUSED_MS_MIN = 60_000;

/** Type of number and numbering plan (SMPP 3.4, sections 5.2.5 and 5.2.6). */
const international = { ton: 1, npi: 1 };
const networkSpecific = { ton: 3, npi: 0 };
const alphanumeric = { ton: 5, npi: 0 };

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

/** Our bind to one carrier: comes back by itself, with growing and random pauses. */
export function createSmppConnector(app: SmppConnectorNeeds): Connector {
  const { name, settings, events } = app;
  let session: SmppSession | undefined;
  let state: ConnectorState = { phase: "connecting" };
  let failures = 0;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const connect = async () => {
    try {
      const socket = await app.connectSocket(settings.host, settings.port);
      if (isClosed) {
        socket.destroy();
        return;
      }
      bind(socket);
    } catch (error) {
      reconnect(error instanceof Error ? error.message : String(error), 0);
    }
  };

  const bind = (socket: Socket) => {
    let refusal: string | undefined;
    const opened = openSession(socket, {
      window: settings.window,
      enquireLinkMs: settings.enquireLinkMs,
      responseTimeoutMs: settings.responseTimeoutMs,
      systemId: settings.systemId,
      on: {
        onDeliver: (pdu) => void takeDeliver(opened, pdu),
        onClose: (cause) => {
          if (session === opened) session = undefined;
          const why = refusal ?? cause?.message ?? "The carrier closed the connection.";
          reconnect(why, refusal === undefined ? 0 : REFUSED_MS_MIN);
        },
      },
    });
    const { systemId, password, systemType } = settings;
    opened.bind(
      { command: "bind_transceiver", systemId, password, systemType, interfaceVersion: 0x34 },
      (answer) => {
        if (answer instanceof SmppNoAnswer) return opened.destroy(answer);
        if (answer.status !== statuses.ok) {
          refusal = `The carrier refused the bind with status 0x${answer.status.toString(16)}. Check systemId and password.`;
          return opened.destroy();
        }
        session = opened;
        failures = 0;
        return events.onReady(name);
      },
    );
  };

  /** Full jitter, so that many connectors do not come back at once. */
  const reconnect = (cause: string, atLeastMs: number) => {
    if (isClosed) return;
    failures += 1;
    const ceiling = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** Math.min(failures, 10));
    const waitMs = Math.max(atLeastMs, RECONNECT_MS_MIN / 2 + app.random() * ceiling);
    const nextAttemptAt = new Date(app.clock().getTime() + waitMs);
    state = { phase: "reconnecting", cause, nextAttemptAt };
    timer = setTimeout(() => void connect(), waitMs);
  };

  /** The carrier is answered when what it told is durable; else it is asked to tell it again. */
  const takeDeliver = async (from: SmppSession, pdu: DeliverSm) => {
    try {
      if (isReceipt(pdu)) {
        const receipt = readReceipt(pdu);
        if (receipt !== undefined) await events.onReceipt(name, receipt);
      } else {
        await events.onInbound(name, {
          sender: pdu.source,
          recipient: pdu.dest,
          ...decodeText(pdu),
        });
      }
      from.respond(pdu, statuses.ok);
    } catch {
      from.respond(pdu, statuses.temporaryAppError);
    }
  };

  void connect();

  return {
    ...{ name, carrierAccount: app.carrierAccount, isSimulated: app.isSimulated },
    optOutsUpstream: app.optOutsUpstream,
    freeSlots: () => (isClosed ? 0 : (session?.freeSlots() ?? 0)),
    submit: (submission) =>
      new Promise((resolve) => {
        if (session === undefined)
          return resolve({ kind: "unavailable", carrierCode: "not bound" });
        return session.submit({ ...emptyMessage, ...toShortMessage(submission) }, (answer) => {
          if (!(answer instanceof SmppNoAnswer)) {
            const id = "messageId" in answer ? answer.messageId : "";
            resolve(submitResultOf(answer.status, id));
          } else if (answer.isWritten) resolve({ kind: "unknown", carrierCode: answer.message });
          else resolve({ kind: "unavailable", carrierCode: answer.message });
          events.onReady(name);
        });
      }),
    state: () => {
      if (isClosed) return { phase: "stopped" };
      if (session === undefined) return state;
      const inFlight = settings.window - session.freeSlots();
      return { phase: "bound", window: settings.window, inFlight };
    },
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await session?.close();
    },
  };
}

function toShortMessage(submission: Submission) {
  const source = addressOf(submission.sender);
  const dest = addressOf(submission.recipient);
  return {
    ...{ sourceTon: source.ton, sourceNpi: source.npi, source: source.digits },
    ...{ destTon: dest.ton, destNpi: dest.npi, dest: dest.digits },
    registeredDelivery: 1,
    validityPeriod: absoluteTime(submission.validUntil),
    ...encodeText(submission),
  };
}

function addressOf(address: string) {
  if (address.startsWith("+")) return { ...international, digits: address.slice(1) };
  if (/^\d+$/.test(address)) return { ...networkSpecific, digits: address };
  return { ...alphanumeric, digits: address };
}

/** YYMMDDhhmmsstnnp in UTC (SMPP 3.4, section 7.1.1). */
function absoluteTime(at: Date): string {
  return `${at.toISOString().replaceAll(/[-:T]/g, "").slice(2, 14)}000+`;
}
