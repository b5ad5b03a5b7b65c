import { lookup as systemLookup } from "node:dns";
import { connect, isIP, type LookupFunction, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { createAddressGuard } from "./address-guard.ts";
import { SECOND } from "./clock.ts";
import { createHttpClient } from "./http-client.ts";
import type { Exchange, HttpRequest } from "./http-exchange.ts";

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

export function createGuardedDialer(options: {
  allow: readonly string[];
  lookup?: LookupFunction;
}): GuardedDialer {
  const guard = createAddressGuard(options.allow);
  const lookup = guardedLookup(guard.mayReach, options.lookup ?? systemLookup);
  const isRefusedLiteral = (host: string) => {
    const address = canonicalHost(host);
    return isIP(address) !== 0 && !guard.mayReach(address);
  };

  const dial = (host: string, port: number, how: HowToOpen) => {
    // Node asks no lookup for a literal address.
    if (isRefusedLiteral(host)) return Promise.reject(new AddressRefused(host));
    return openSocket({ host: canonicalHost(host), port, lookup }, how);
  };
  const http = createHttpClient({
    openSocket: (url, how) => {
      const isTls = url.protocol === "https:";
      return dial(url.hostname, Number(url.port) || (isTls ? 443 : 80), { isTls, ...how });
    },
  });

  return {
    request: http.request,
    checkUrl: (url) => checkUrl(url, isRefusedLiteral),
    connectSocket: (host, port) =>
      dial(host, port, { isTls: false, signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) }),
    close: async () => http.close(),
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

type HowToOpen = {
  readonly isTls: boolean;
  readonly signal: AbortSignal;
  /** Where its bytes go, if they are not to be read as a stream. */
  readonly onread?: OnReadOpts;
};

function openSocket(
  to: { host: string; port: number; lookup: LookupFunction },
  { isTls, signal, ...how }: HowToOpen,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // A name in a certificate is no address, so a literal is asked for without SNI.
    const tls = {
      ...(isIP(to.host) === 0 ? { servername: to.host } : {}),
      ALPNProtocols: ["http/1.1"],
    };
    const socket = isTls ? connectTls({ ...to, ...tls, ...how }) : connect({ ...to, ...how });
    socket.setNoDelay(true);
    const fail = (error: Error) => {
      signal.removeEventListener("abort", tooLate);
      socket.destroy();
      reject(error);
    };
    const tooLate = () => fail(new ConnectTimeout(`${to.host}:${to.port} did not answer in time.`));
    signal.addEventListener("abort", tooLate);
    socket.once("error", fail);
    socket.once(isTls ? "secureConnect" : "connect", () => {
      signal.removeEventListener("abort", tooLate);
      socket.removeListener("error", fail);
      resolve(socket);
    });
  });
}

class ConnectTimeout extends Error {
  readonly code = "ETIMEDOUT";
}
