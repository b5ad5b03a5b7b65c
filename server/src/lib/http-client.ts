import type { OnReadOpts, Socket } from "node:net";
import { SECOND } from "./clock.ts";
import {
  type Connection,
  type Exchange,
  type HttpRequest,
  type HttpUrl,
  openConnection,
  reasonOf,
} from "./http-exchange.ts";

/** HTTP/1.1 over kept connections, one request at a time on each, no redirect followed. */
export type HttpClient = {
  /** Never rejects: every trouble is a value. What has begun is not sent again by itself. */
  readonly request: (request: HttpRequest) => Promise<Exchange>;
  readonly close: () => void;
};

export type HttpClientNeeds = {
  /** A connected socket, with TLS for https; rejects otherwise, at last after the signal. */
  readonly openSocket: (
    url: HttpUrl,
    how: { readonly signal: AbortSignal; readonly onread: OnReadOpts },
  ) => Promise<Socket>;
};

const CONNECTIONS_PER_ORIGIN = 64;
/** Requests of one origin that may wait for a connection; beyond it they fail at once. */
const WAITING_PER_ORIGIN = 2_500;
/** Shorter than most servers keep one: a request on a connection that is being closed is lost. */
const KEPT_MS = 4 * SECOND;

type Origin = {
  readonly idle: Connection[];
  readonly waiting: ((connection: Connection | undefined) => void)[];
  open: number;
};

export function createHttpClient(app: HttpClientNeeds): HttpClient {
  const origins = new Map<string, Origin>();
  const connections = new Set<Connection>();
  let isClosed = false;

  const originOf = (name: string): Origin => {
    const known = origins.get(name);
    if (known !== undefined) return known;
    const origin: Origin = { idle: [], waiting: [], open: 0 };
    origins.set(name, origin);
    return origin;
  };

  const closed = (name: string, origin: Origin) => {
    const next = origin.waiting.shift();
    // Who waits opens one in its place.
    if (next !== undefined) return next(undefined);
    origin.open -= 1;
    if (origin.open === 0) origins.delete(name);
  };

  const open = async (name: string, origin: Origin, { url, connectMs }: HttpRequest) => {
    try {
      const signal = AbortSignal.timeout(connectMs);
      const openSocket = (onread: OnReadOpts) => app.openSocket(url, { signal, onread });
      const connection = await openConnection(openSocket, {
        onFree: (free) => {
          const next = origin.waiting.shift();
          if (next === undefined) origin.idle.push(free);
          else next(free);
        },
        onClosed: (gone) => {
          connections.delete(gone);
          const place = origin.idle.indexOf(gone);
          if (place !== -1) origin.idle.splice(place, 1);
          closed(name, origin);
        },
      });
      connections.add(connection);
      if (isClosed) connection.end();
      return connection;
    } catch (error) {
      closed(name, origin);
      throw error;
    }
  };

  const sweep = setInterval(() => {
    const before = performance.now() - KEPT_MS;
    for (const { idle } of origins.values()) {
      for (const connection of [...idle]) if (connection.freeSince() < before) connection.end();
    }
  }, SECOND);
  sweep.unref();

  const requestOnNext = async (name: string, origin: Origin, request: HttpRequest) => {
    const started = performance.now();
    try {
      const connection = (await placeFor(origin, request)) ?? (await open(name, origin, request));
      return await connection.exchange(request, request.totalMs - (performance.now() - started));
    } catch (error) {
      const reason = error instanceof Error ? reasonOf(error) : "protocol";
      return { kind: "failed", reason, hasBegun: false } as const;
    }
  };

  return {
    request: (request) => {
      const name = request.url.origin;
      const origin = originOf(name);
      const idle = takeIdle(origin);
      return idle === undefined
        ? requestOnNext(name, origin, request)
        : idle.exchange(request, request.totalMs);
    },
    close: () => {
      isClosed = true;
      clearInterval(sweep);
      for (const connection of connections) connection.end();
    },
  };
}

/** All connections of the origin are in use for too long. */
class NoConnection extends Error {
  readonly code = "ETIMEDOUT";
}

function takeIdle({ idle }: Origin): Connection | undefined {
  for (;;) {
    const last = idle.pop();
    if (last === undefined || last.isOpen()) return last;
  }
}

/** A connection that becomes free, or nothing and the right to open one, which `open` counts. */
function placeFor(
  origin: Origin,
  { connectMs }: HttpRequest,
): Promise<Connection | undefined> | undefined {
  if (origin.open < CONNECTIONS_PER_ORIGIN) {
    origin.open += 1;
    return undefined;
  }
  return new Promise((resolve, reject) => {
    if (origin.waiting.length >= WAITING_PER_ORIGIN) {
      reject(new NoConnection());
      return;
    }
    const take = (connection: Connection | undefined) => {
      clearTimeout(timer);
      resolve(connection);
    };
    const timer = setTimeout(() => {
      origin.waiting.splice(origin.waiting.indexOf(take), 1);
      reject(new NoConnection());
    }, connectMs);
    origin.waiting.push(take);
  });
}
