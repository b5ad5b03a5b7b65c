import { randomUUID } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../lib/clock.ts";
import { type DeliverSm, type ShortMessage, statuses } from "../../smpp/pdus.ts";
import {
  type Answer,
  type OtherRequest,
  openSession,
  type SessionEvents,
  SmppNoAnswer,
  type SmppSession,
} from "../../smpp/session.ts";
import type { ConnectorState } from "../connector.ts";
import { createBindRates } from "./bind-rate.ts";
import type { BindSettings, SmppSettings } from "./settings.ts";

const RECONNECT_MS_MIN = 500;
const RECONNECT_MS_MAX = 60_000;
/** A bind that ends sooner has not mended what failed before it: the pauses go on growing. */
const STABLE_MS = 10_000;

/**
 * Pauses at least, by the carrier's refusal. A wrong password does not get right by asking often, and
 * some carriers lock the account; who is still bound waits for the carrier to miss the old session.
 */
const refusedMsMin: Readonly<Record<number, number>> = {
  [statuses.bindFailed]: 60_000,
  [statuses.invalidPassword]: 60_000,
  [statuses.invalidSystemId]: 60_000,
  [statuses.alreadyBound]: 15_000,
};

/** A refusal that waits so long does not mend itself: it is told. */
const ALERT_FROM_MS = 60_000;

/** One connection of a bind; its id tells it from those before. */
export type Connection = {
  readonly id: string;
  readonly session: SmppSession;
  readonly settings: SmppSettings;
};

export type BindNeeds = {
  readonly settings: SmppSettings;
  readonly bind: BindSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly connectSocket: (host: string, port: number) => Promise<Socket>;
  /** It came up, or may send again. */
  readonly onReady: () => void;
  readonly onAlert: (sentence: string) => void;
  readonly onDeliver: (from: Connection, pdu: DeliverSm) => void;
  readonly onOther: (from: Connection, pdu: OtherRequest) => void;
  readonly onPdu: NonNullable<SessionEvents["onPdu"]>;
};

export type Bind = {
  /** The connector's, with what this bind has of its own. */
  readonly settings: SmppSettings;
  readonly canSubmit: boolean;
  readonly freeSlots: () => number;
  /** Bound, and not held back by its rates. */
  readonly isOpen: () => boolean;
  /** `segments` are those of its rates: more than one for a whole text. */
  readonly submit: (of: { message: ShortMessage; segments: number }, onAnswer: Answer) => void;
  readonly state: () => ConnectorState;
  readonly close: () => Promise<void>;
};

/** One bind to a carrier, which comes back by itself with growing and random pauses. */
export function keepBound(app: BindNeeds): Bind {
  const { as, host, port, ...own } = app.bind;
  const settings: SmppSettings = { ...app.settings, ...own };
  let current: SmppSession | undefined;
  let isBound = false;
  let boundAt = 0;
  let state: ConnectorState = { phase: "connecting" };
  let failures = 0;
  let alerted: string | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const connect = async () => {
    try {
      const socket = await app.connectSocket(host, port);
      if (isClosed) socket.destroy();
      else open(settings.tls ? secured(socket, host, settings) : socket);
    } catch (error) {
      reconnect(error instanceof Error ? error.message : String(error), 0);
    }
  };

  const open = (socket: Socket) => {
    const id = randomUUID();
    let refusal: { why: string; msMin: number } | undefined;
    const session: SmppSession = openSession(socket, {
      window: settings.window,
      enquireLinkMs: settings.enquireLinkMs,
      responseTimeoutMs: settings.responseTimeoutMs,
      systemId: settings.systemId,
      on: {
        onDeliver: (pdu) => app.onDeliver({ id, session, settings }, pdu),
        onOther: (pdu) => app.onOther({ id, session, settings }, pdu),
        onPdu: app.onPdu,
        onClose: (cause) => {
          const wasStable = isBound && app.clock().getTime() - boundAt >= STABLE_MS;
          current = undefined;
          isBound = false;
          if (wasStable) failures = 0;
          const why = refusal?.why ?? cause?.message ?? "The carrier closed the connection.";
          reconnect(why, refusal?.msMin ?? 0);
        },
      },
    });
    current = session;
    const { systemId, password, systemType } = settings;
    session.bind(
      { command: `bind_${as}`, systemId, password, systemType, interfaceVersion: 0x34 },
      (answer) => {
        if (answer instanceof SmppNoAnswer) return session.destroy(answer);
        if (answer.status !== statuses.ok || answer.command === "generic_nack") {
          const why = `The carrier refused the bind with status 0x${answer.status.toString(16)}. Check systemId and password.`;
          refusal = { why, msMin: refusedMsMin[answer.status] ?? 0 };
          // Once, not at each attempt, until a bind was accepted.
          if (refusal.msMin >= ALERT_FROM_MS && why !== alerted) app.onAlert(why);
          alerted = why;
          return session.destroy();
        }
        isBound = true;
        alerted = undefined;
        boundAt = app.clock().getTime();
        return app.onReady();
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

  void connect();

  const rates = createBindRates(settings, () => performance.now());
  let rateTimer: NodeJS.Timeout | undefined;
  /** What its rates let it send now; when that is nothing it tells when there is something. */
  const allowed = (): number => {
    const free = rates.free();
    if (free === 0) {
      rateTimer ??= setTimeout(() => {
        rateTimer = undefined;
        if (isBound) app.onReady();
      }, Math.ceil(rates.waitMs()));
    }
    return free;
  };

  return {
    settings,
    canSubmit: as !== "receiver",
    freeSlots: () => {
      const free = current?.freeSlots() ?? 0;
      return free === 0 ? 0 : Math.min(free, allowed());
    },
    isOpen: () => isBound && allowed() > 0,
    submit: ({ message, segments }, onAnswer) => {
      if (current !== undefined && isBound) {
        rates.take(segments);
        current.submit(message, onAnswer);
      } else onAnswer(new SmppNoAnswer("not bound", false));
    },
    state: () => {
      if (isClosed) return { phase: "stopped" };
      if (current?.isBound() !== true) return state;
      const { window } = settings;
      const bound = { phase: "bound", window, inFlight: window - current.freeSlots() } as const;
      const { segmentsPerSecond, segmentsPerMinute } = settings;
      return {
        ...bound,
        ...(segmentsPerSecond === 0 ? {} : { segmentsPerSecond }),
        ...(rates.isMinuteUsedUp() ? { segmentsPerMinute } : {}),
      };
    },
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      clearTimeout(rateTimer);
      await current?.close();
    },
  };
}

/** A name in the handshake must not be an address (RFC 6066, section 3); the certificate is checked in both cases. */
function secured(
  socket: Socket,
  host: string,
  { ca, certificate, key }: Pick<SmppSettings, "ca" | "certificate" | "key">,
): Socket {
  return connectTls({
    ...{ socket, host },
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === "" ? {} : { ca }),
    ...(certificate === "" ? {} : { cert: certificate, key }),
  });
}
