import type { OnReadOpts, Socket } from "node:net";
import {
  createResponseReader,
  type Reading,
  type ResponseHeaders,
  type ResponseReader,
} from "./http-response.ts";

export type HttpRequest = {
  readonly url: URL;
  readonly method: "GET" | "POST";
  /** Names and values are checked by nobody: line breaks in them are the caller's to refuse. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Milliseconds until connected, until the answer's first byte, and for all of it. */
  readonly connectMs: number;
  readonly readMs: number;
  readonly totalMs: number;
};

export type FailureReason =
  | "address-refused"
  | "dns"
  | "connect"
  | "tls"
  | "connect-timeout"
  | "read-timeout"
  | "protocol";

export type Exchange =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: ResponseHeaders;
      readonly body: string;
      /** The answer was longer than `responseBytesMax`; the rest was not read. */
      readonly isTruncated: boolean;
    }
  | {
      readonly kind: "failed";
      readonly reason: FailureReason;
      /** A connection had taken the request: whether the far end has it is not certain. */
      readonly hasBegun: boolean;
    };

export const responseBytesMax = 64 * 1024;

/** A connection to one origin that carries one exchange at a time. */
export type Connection = {
  /** Resolves with what came of it: every trouble is a value. `totalMs` is what is left of it. */
  readonly exchange: (request: HttpRequest, totalMs: number) => Promise<Exchange>;
  readonly isOpen: () => boolean;
  readonly end: () => void;
};

export type ConnectionEvents = {
  /** It can carry the next request. */
  readonly onFree: (connection: Connection) => void;
  readonly onClosed: (connection: Connection) => void;
};

/** Opens a socket whose bytes go where `onread` of node:net says: that spares a stream and a new buffer for each chunk. */
export type OpenSocket = (onread: OnReadOpts) => Promise<Socket>;

/** Answers of customers are short; a longer one comes in several chunks. */
const CHUNK_BYTES = 8 * 1024;

type Asked = {
  readonly reader: ResponseReader;
  readonly resolve: (exchange: Exchange) => void;
  readonly endsAt: number;
  hasAnswerBegun: boolean;
};

export async function openConnection(
  openSocket: OpenSocket,
  events: ConnectionEvents,
): Promise<Connection> {
  const bytes = Buffer.alloc(CHUNK_BYTES);
  let take: ((chunk: Buffer) => void) | undefined;
  let isSpoilt = false;
  const socket = await openSocket({
    buffer: bytes,
    callback: (length) => {
      if (take === undefined) isSpoilt = true;
      else take(bytes.subarray(0, length));
      return true;
    },
  });
  if (isSpoilt) socket.destroy();
  const opened = connectionOn(socket, events);
  take = opened.take;
  return opened.connection;
}

/** Listeners and the timer are set once for all exchanges of the connection: they cost more than an answer's few bytes. */
function connectionOn(socket: Socket, events: ConnectionEvents) {
  let asked: Asked | undefined;
  let reason: FailureReason = "protocol";

  const settle = (exchange: Exchange) => {
    const settled = asked;
    asked = undefined;
    settled?.resolve(exchange);
  };
  const finish = ({ reader }: Asked, reading: Reading) => {
    const isFree = reading === "complete" && reader.isKept() && !socket.destroyed;
    if (!isFree) socket.destroy();
    settle(exchangeOf(reader, reading));
    if (isFree) events.onFree(connection);
  };
  // It may ring while nothing is asked: that costs less than to clear it after each answer.
  const deadline = createDeadline(() => {
    if (asked === undefined) return;
    settle({ kind: "failed", reason: "read-timeout", hasBegun: true });
    socket.destroy();
  });

  const take = (chunk: Buffer) => {
    // Nobody asked: whatever it is, it would be taken for the next request's answer.
    if (asked === undefined) {
      socket.destroy();
      return;
    }
    const reading = asked.reader.add(chunk);
    if (reading !== "more") return finish(asked, reading);
    if (!asked.hasAnswerBegun) deadline.set(asked.endsAt - performance.now());
    asked.hasAnswerBegun = true;
  };
  socket.on("end", () => {
    if (asked === undefined) socket.destroy();
    else finish(asked, asked.reader.end());
  });
  socket.on("error", (error) => {
    reason = reasonOf(error);
  });
  socket.on("close", () => {
    deadline.clear();
    events.onClosed(connection);
    settle({ kind: "failed", reason, hasBegun: true });
  });

  const connection: Connection = {
    exchange: (request, totalMs) =>
      new Promise((resolve) => {
        const reader = createResponseReader(responseBytesMax);
        const endsAt = performance.now() + totalMs;
        asked = { reader, resolve, endsAt, hasAnswerBegun: false };
        deadline.set(Math.min(request.readMs, totalMs));
        const text = textOf(request);
        socket.write(text, isAscii(text) ? "latin1" : "utf8");
      }),
    isOpen: () => !socket.destroyed,
    end: () => socket.destroy(),
  };
  return { connection, take };
}

/** A timer for one exchange after the other; most often it is set to what it was set to before. */
function createDeadline(ring: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let timerMs = 0;
  return {
    set: (ms: number) => {
      const wholeMs = Math.max(1, Math.ceil(ms));
      if (timer !== undefined && wholeMs === timerMs) {
        timer.refresh();
        return;
      }
      clearTimeout(timer);
      timerMs = wholeMs;
      timer = setTimeout(ring, wholeMs);
    },
    clear: () => clearTimeout(timer),
  };
}

function exchangeOf(reader: ResponseReader, reading: Reading): Exchange {
  if (reading === "malformed") return { kind: "failed", reason: "protocol", hasBegun: true };
  return {
    kind: "answered",
    status: reader.status(),
    headers: reader.headers(),
    body: reader.body(),
    isTruncated: reading === "too long",
  };
}

/** One string, so that it leaves in one packet. */
function textOf({ url, method, headers, body }: HttpRequest): string {
  let text = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`;
  for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
  if (body === undefined) return `${text}\r\n`;
  return `${text}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

const reasonByCode: Readonly<Record<string, FailureReason>> = {
  ADDRESS_REFUSED: "address-refused",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  ECONNREFUSED: "connect",
  EHOSTUNREACH: "connect",
  ENETUNREACH: "connect",
  ETIMEDOUT: "connect-timeout",
};

export function reasonOf(error: Error): FailureReason {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)|EPROTO/.test(code);
  return reasonByCode[code] ?? (isTls ? "tls" : "protocol");
}
