import type { OnReadOpts, Socket } from "node:net";
import {
  createResponseReader,
  type Reading,
  type ResponseHeaders,
  type ResponseReader,
} from "./http-response.ts";

/** What a request needs of a URL; a `URL` makes each text anew whenever it is read. */
export type HttpUrl = Pick<
  URL,
  "protocol" | "hostname" | "port" | "host" | "origin" | "pathname" | "search"
>;

export type HttpRequest = {
  readonly url: HttpUrl;
  readonly method: "GET" | "POST";
  /**
   * By name, or as they are sent, each line with its CRLF. Names and values are checked by nobody: line breaks in
   * them are the caller's to refuse.
   */
  readonly headers: Readonly<Record<string, string>> | string;
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
  /** The instant of `performance.now()` when its last exchange ended. */
  readonly freeSince: () => number;
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

/** The URL with its texts made once, for many requests. */
export function httpUrlOf(url: URL): HttpUrl {
  const { protocol, hostname, port, host, origin, pathname, search } = url;
  return { protocol, hostname, port, host, origin, pathname, search };
}

export async function openConnection(
  openSocket: OpenSocket,
  events: ConnectionEvents,
): Promise<Connection> {
  const bytes = Buffer.alloc(CHUNK_BYTES);
  let chunk = bytes;
  let take: ((chunk: Buffer) => void) | undefined;
  let isSpoilt = false;
  const socket = await openSocket({
    buffer: bytes,
    callback: (length) => {
      // Most answers of one server are as long as the one before.
      if (chunk.length !== length) chunk = bytes.subarray(0, length);
      if (take === undefined) isSpoilt = true;
      else take(chunk);
      return true;
    },
  });
  if (isSpoilt) socket.destroy();
  const opened = connectionOn(socket, events);
  take = opened.take;
  return opened.connection;
}

/** Listeners, the timer and the reader are made once for all exchanges of the connection: they cost more than an answer's few bytes. */
function connectionOn(socket: Socket, events: ConnectionEvents) {
  const reader = createResponseReader(responseBytesMax);
  let resolve: ((exchange: Exchange) => void) | undefined;
  let endsAt = 0;
  let hasAnswerBegun = false;
  let freeSince = performance.now();
  let reason: FailureReason = "protocol";

  const settle = (exchange: Exchange) => {
    const asker = resolve;
    resolve = undefined;
    asker?.(exchange);
  };
  const finish = (reading: Reading) => {
    const isFree = reading === "complete" && reader.isKept() && !socket.destroyed;
    if (!isFree) socket.destroy();
    const exchange = exchangeOf(reader, reading);
    reader.forget();
    settle(exchange);
    freeSince = performance.now();
    if (isFree) events.onFree(connection);
  };
  const deadline = createDeadline(() => {
    if (resolve === undefined) return;
    settle({ kind: "failed", reason: "read-timeout", hasBegun: true });
    socket.destroy();
  });

  const take = (chunk: Buffer) => {
    // Nobody asked: whatever it is, it would be taken for the next request's answer.
    if (resolve === undefined) {
      socket.destroy();
      return;
    }
    const reading = reader.add(chunk);
    if (reading !== "more") return finish(reading);
    if (!hasAnswerBegun) deadline.set(endsAt);
    hasAnswerBegun = true;
  };
  socket.on("end", () => {
    if (resolve === undefined) socket.destroy();
    else finish(reader.end());
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
      new Promise((whenSettled) => {
        const now = performance.now();
        resolve = whenSettled;
        endsAt = now + totalMs;
        hasAnswerBegun = false;
        deadline.set(now + Math.min(request.readMs, totalMs), now);
        const text = textOf(request);
        socket.write(text, isAscii(text) ? "latin1" : "utf8");
      }),
    isOpen: () => !socket.destroyed,
    freeSince: () => freeSince,
    end: () => socket.destroy(),
  };
  return { connection, take };
}

/**
 * Rings at an instant of `performance.now()`, set anew for one exchange after the other. A timer that would ring earlier
 * is left: it looks then how long it has still to go, which costs less than to move it for each exchange.
 */
function createDeadline(ring: () => void) {
  let timer: NodeJS.Timeout | undefined;
  let timerAt = 0;
  let ringsAt = 0;

  const start = (now: number) => {
    timerAt = ringsAt;
    timer = setTimeout(look, Math.max(1, Math.ceil(ringsAt - now)));
  };
  const look = () => {
    timer = undefined;
    const now = performance.now();
    if (now < ringsAt) start(now);
    else ring();
  };

  return {
    set: (at: number, now = performance.now()) => {
      ringsAt = at;
      if (timer !== undefined && timerAt <= at) return;
      clearTimeout(timer);
      start(now);
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
  const start = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`;
  const head = start + (typeof headers === "string" ? headers : linesOf(headers));
  if (body === undefined) return `${head}\r\n`;
  return `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function linesOf(headers: Readonly<Record<string, string>>): string {
  let lines = "";
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`;
  return lines;
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
