import { lookup as systemLookup } from "node:dns";
import { connect, isIP, type LookupFunction, type Socket } from "node:net";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { createAddressGuard } from "./address-guard.ts";
import { SECOND } from "./clock.ts";
import { type Exchange, exchange, type HttpRequest } from "./http-exchange.ts";

export type UrlCheck = { readonly kind: "allowed" } | { readonly kind: "refused"; why: string };

/**
 * The only way out for sockets whose far end a customer chose. An address is checked after it was
 * resolved and the socket goes to that same address, so a name cannot change its answer in between.
 */
export type GuardedDialer = {
  /** Whether a URL may be called as far as it tells by itself; names are checked again when dialled. */
  checkUrl: (url: string) => UrlCheck;
  /** One request, no redirect followed. Never rejects: every trouble is a value. */
  request: (request: HttpRequest) => Promise<Exchange>;
  /** For libraries that want an undici dispatcher. */
  agent: Dispatcher;
  /** A connected TCP socket; rejects when the address is refused or does not answer in time. */
  connectSocket: (host: string, port: number) => Promise<Socket>;
  close: () => Promise<void>;
};

/** An address that the guard refuses. */
export class AddressRefused extends Error {
  readonly code = "ADDRESS_REFUSED";
  constructor(host: string) {
    super(`The host '${host}' is in a private or reserved network. Allow the network to reach it.`);
    this.name = "AddressRefused";
  }
}

const CONNECT_TIMEOUT_MS = 10 * SECOND;
const KEEP_ALIVE_MS = 30 * SECOND;
const CONNECTIONS_PER_ORIGIN = 64;

export function createGuardedDialer(options: {
  allow: readonly string[];
  lookup?: LookupFunction;
}): GuardedDialer {
  const guard = createAddressGuard(options.allow);
  const lookup = guardedLookup(guard.mayReach, options.lookup ?? systemLookup);
  const connectHttp = buildConnector({ lookup, timeout: CONNECT_TIMEOUT_MS });
  const isRefusedLiteral = (host: string) => {
    const address = canonicalHost(host);
    return isIP(address) !== 0 && !guard.mayReach(address);
  };

  const agent = new Agent({
    connections: CONNECTIONS_PER_ORIGIN,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: (target, callback) => {
      // Node asks no lookup for a literal address.
      if (isRefusedLiteral(target.hostname)) callback(new AddressRefused(target.hostname), null);
      else connectHttp(target, callback);
    },
  });

  return {
    agent,
    request: (request) => exchange(agent, request),
    checkUrl: (url) => checkUrl(url, isRefusedLiteral),
    connectSocket: (host, port) => {
      if (isRefusedLiteral(host)) return Promise.reject(new AddressRefused(host));
      return openSocket(canonicalHost(host), port, lookup);
    },
    close: () => agent.destroy(),
  };
}

function checkUrl(text: string, isRefusedLiteral: (host: string) => boolean): UrlCheck {
  if (!URL.canParse(text)) return { kind: "refused", why: "It is not a URL." };
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { kind: "refused", why: "Only http and https can be called." };
  }
  const isLocal = /^(.*\.)?localhost\.?$/.test(url.hostname);
  if (isRefusedLiteral(isLocal ? "127.0.0.1" : url.hostname)) {
    return { kind: "refused", why: "Its host is in a private or reserved network." };
  }
  return { kind: "allowed" };
}

/** Unwraps brackets and turns 0x7f.1, 2130706433 or 127.0.0.1. into 127.0.0.1, as URLs do. */
function canonicalHost(host: string): string {
  const bare = host.replace(/^\[|\]$/g, "");
  const spelled = isIP(bare) === 6 ? `[${bare}]` : bare;
  const parsed = URL.canParse(`http://${spelled}/`) ? new URL(`http://${spelled}/`).hostname : bare;
  return parsed.replace(/^\[|\]$/g, "");
}

function guardedLookup(
  mayReach: (address: string) => boolean,
  resolve: LookupFunction,
): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const addresses = Array.isArray(found) ? found : [];
      const first = addresses[0];
      // One bad address among good ones is an attack or a mistake: none of them is used.
      if (first === undefined || !addresses.every(({ address }) => mayReach(address))) {
        return callback(new AddressRefused(host), []);
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function openSocket(host: string, port: number, lookup: LookupFunction): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, lookup, noDelay: true });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new Error(`${host}:${port} did not answer in ${CONNECT_TIMEOUT_MS} ms.`)),
      CONNECT_TIMEOUT_MS,
    );
    socket.once("error", (error) => {
      clearTimeout(timer);
      fail(error);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}
