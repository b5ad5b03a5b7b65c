import type { IncomingHttpHeaders } from "node:http";
import type { Dispatcher } from "undici";

export type HttpRequest = {
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly headers: Record<string, string>;
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
      readonly headers: IncomingHttpHeaders;
      readonly body: string;
      /** The answer was longer than `responseBytesMax`; the rest was not read. */
      readonly isTruncated: boolean;
    }
  | { readonly kind: "failed"; readonly reason: FailureReason };

export const responseBytesMax = 64 * 1024;

/** One HTTP request without following redirects; every trouble is a value. */
export function exchange(dispatcher: Dispatcher, request: HttpRequest): Promise<Exchange> {
  return new Promise((resolve) => {
    const answer = createAnswer(request, resolve);
    const options: Dispatcher.DispatchOptions = {
      origin: request.url.origin,
      path: request.url.pathname + request.url.search,
      method: request.method,
      headers: request.headers,
      body: request.body ?? null,
    };
    try {
      dispatcher.dispatch(options, answer);
    } catch {
      answer.onResponseError(undefined, new Error("The request could not be written."));
    }
    answer.onDispatched();
  });
}

function createAnswer(request: HttpRequest, resolve: (result: Exchange) => void) {
  let controller: Dispatcher.DispatchController | undefined;
  let isDone = false;
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  const body = createBody();

  const settle = (result: Exchange) => {
    if (isDone) return;
    isDone = true;
    patience.end();
    resolve(result);
  };
  const giveUp = (reason: FailureReason) => {
    settle({ kind: "failed", reason });
    controller?.abort(new Error(reason));
  };
  const patience = createPatience(request.totalMs, giveUp);
  const answered = (isTruncated: boolean) =>
    settle({ kind: "answered", status, headers, body: body.text(), isTruncated });

  return {
    onDispatched: () => {
      // On a free connection it has started meanwhile, and needs no timer for the connecting.
      if (!isDone && controller === undefined) patience.wait(request.connectMs, "connect-timeout");
    },
    onRequestStart: (started: Dispatcher.DispatchController) => {
      controller = started;
      if (isDone) started.abort(new Error("too late"));
      else patience.wait(request.readMs, "read-timeout");
    },
    onResponseStart: (
      _controller: Dispatcher.DispatchController,
      statusCode: number,
      received: IncomingHttpHeaders,
    ) => {
      if (!isDone && request.readMs < request.totalMs) {
        patience.wait(request.totalMs, "read-timeout");
      }
      status = statusCode;
      headers = received;
    },
    onResponseData: (_controller: Dispatcher.DispatchController, chunk: Buffer) => {
      if (isDone || body.add(chunk)) return;
      answered(true);
      controller?.abort(new Error("The answer is too long."));
    },
    onResponseEnd: () => answered(false),
    onResponseError: (_controller: Dispatcher.DispatchController | undefined, error: Error) =>
      settle({ kind: "failed", reason: reasonOf(error) }),
  };
}

/** One timer, for the phase under way and for all of it: each costs, and most answers come at once. */
function createPatience(totalMs: number, giveUp: (reason: FailureReason) => void) {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  return {
    wait: (phaseMs: number, reason: FailureReason) => {
      clearTimeout(timer);
      const leftMs = totalMs - (performance.now() - startedAt);
      timer = setTimeout(giveUp, Math.max(Math.min(phaseMs, leftMs), 1), reason);
    },
    end: () => clearTimeout(timer),
  };
}

function createBody() {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    /** False when it does not fit; what fits is kept. */
    add: (chunk: Buffer): boolean => {
      const room = responseBytesMax - bytes;
      chunks.push(chunk.subarray(0, room));
      bytes += chunk.length;
      return chunk.length <= room;
    },
    text: () => (chunks.length === 0 ? "" : Buffer.concat(chunks).toString("utf8")),
  };
}

const reasonByCode: Readonly<Record<string, FailureReason>> = {
  ADDRESS_REFUSED: "address-refused",
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  ECONNREFUSED: "connect",
  EHOSTUNREACH: "connect",
  ENETUNREACH: "connect",
  ETIMEDOUT: "connect-timeout",
  UND_ERR_CONNECT_TIMEOUT: "connect-timeout",
  UND_ERR_HEADERS_TIMEOUT: "read-timeout",
  UND_ERR_BODY_TIMEOUT: "read-timeout",
};

function reasonOf(error: Error): FailureReason {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)|EPROTO/.test(code);
  return reasonByCode[code] ?? (isTls ? "tls" : "protocol");
}
