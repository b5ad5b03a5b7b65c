import type { Socket } from "node:net";
import { createResponseReader, type Reading, type ResponseHeaders } from "./http-response.ts";

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

type Answer = {
  readonly isKept: () => boolean;
  readonly add: (chunk: Buffer) => Reading;
  readonly end: () => Reading;
  readonly settle: (reading: Reading) => void;
  readonly fail: (reason: FailureReason) => void;
};

/** Listeners are set once for all exchanges of the connection: they cost more than an answer's few bytes. */
export function openConnection(socket: Socket, events: ConnectionEvents): Connection {
  let answer: Answer | undefined;
  let reason: FailureReason = "protocol";

  const finish = (reading: Reading) => {
    const done = answer;
    answer = undefined;
    if (done === undefined) return;
    const isFree = reading === "complete" && done.isKept() && !socket.destroyed;
    if (!isFree) socket.destroy();
    done.settle(reading);
    if (isFree) events.onFree(connection);
  };

  socket.on("data", (chunk: Buffer) => {
    // Nobody asked: whatever it is, it would be taken for the next request's answer.
    if (answer === undefined) socket.destroy();
    else {
      const reading = answer.add(chunk);
      if (reading !== "more") finish(reading);
    }
  });
  socket.on("end", () => {
    if (answer === undefined) socket.destroy();
    else finish(answer.end());
  });
  socket.on("error", (error) => {
    reason = reasonOf(error);
  });
  socket.on("close", () => {
    events.onClosed(connection);
    const lost = answer;
    answer = undefined;
    lost?.fail(reason);
  });

  const connection: Connection = {
    exchange: (request, totalMs) =>
      new Promise((resolve) => {
        answer = createAnswer(request, { totalMs, resolve, giveUp: () => socket.destroy() });
        const text = textOf(request);
        socket.write(text, isAscii(text) ? "latin1" : "utf8");
      }),
    isOpen: () => !socket.destroyed,
    end: () => socket.destroy(),
  };
  return connection;
}

function createAnswer(
  { readMs }: HttpRequest,
  about: { totalMs: number; resolve: (exchange: Exchange) => void; giveUp: () => void },
): Answer {
  const reader = createResponseReader(responseBytesMax);
  const endsAt = performance.now() + about.totalMs;
  const resolve = (exchange: Exchange) => {
    clearTimeout(timer);
    about.resolve(exchange);
  };
  const tooLate = () => {
    resolve({ kind: "failed", reason: "read-timeout", hasBegun: true });
    about.giveUp();
  };
  let timer = setTimeout(tooLate, Math.max(1, Math.min(readMs, about.totalMs)));
  let isFirst = true;

  return {
    add: (chunk) => {
      const reading = reader.add(chunk);
      if (isFirst && reading === "more") {
        clearTimeout(timer);
        timer = setTimeout(tooLate, Math.max(1, endsAt - performance.now()));
        isFirst = false;
      }
      return reading;
    },
    end: reader.end,
    isKept: reader.isKept,
    settle: (reading) => {
      if (reading === "malformed") resolve({ kind: "failed", reason: "protocol", hasBegun: true });
      else {
        resolve({
          kind: "answered",
          status: reader.status(),
          headers: reader.headers(),
          body: reader.body(),
          isTruncated: reading === "too long",
        });
      }
    },
    fail: (reason) => resolve({ kind: "failed", reason, hasBegun: true }),
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
