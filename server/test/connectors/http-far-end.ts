import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import type { Connector, ConnectorEvents } from "../../src/connectors/connector.ts";
import { createHttpConnector } from "../../src/connectors/http/http-connector.ts";
import { parseHttpSettings, parseTwilioSettings } from "../../src/connectors/http/settings.ts";
import { systemClock as clock } from "../../src/lib/clock.ts";
import { createGuardedDialer } from "../../src/lib/guarded-dialer.ts";

const dialer = createGuardedDialer({ allow: ["127.0.0.0/8"] });

/** A connector as the program builds it, with its own small server for the carrier's calls. */
export async function openHttpConnector(of: {
  readonly kind: "twilio" | "http";
  readonly settings: unknown;
}) {
  let connector: Connector | undefined;
  const server = createServer(async (request, response) => {
    const path = request.url ?? "/";
    const { pathname } = new URL(path, "http://localhost");
    const status = await connector?.takeCall?.({
      ...{ method: request.method === "GET" ? "GET" : "POST", url: publicUrl + path },
      about: pathname.split("/").at(-1) ?? "",
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, value?.toString()]),
      ),
      body: await readText(request),
    });
    response.writeHead(status ?? 404).end();
  });
  const publicUrl = await listen(server);
  return {
    /** Where the carrier calls. */
    url: `${publicUrl}/connectors/carrier`,
    connect: (events: ConnectorEvents): Connector => {
      const parse = of.kind === "twilio" ? parseTwilioSettings : parseHttpSettings;
      connector = createHttpConnector({
        ...{ name: "carrier", carrierAccount: "carrier", optOutsUpstream: true, clock, events },
        ...{ random: Math.random, request: dialer.request, publicUrl: () => publicUrl },
        settings: parse(of.settings),
        onError: (error) => {
          throw error;
        },
      });
      return connector;
    },
    close: () => stop(server),
  };
}

/** A provider's API on loopback: what each request is answered with; nothing ends the connection. */
export async function serve(
  answer: (
    request: IncomingMessage,
    body: string,
  ) => { readonly status: number; readonly body: unknown } | undefined,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    const answered = answer(request, await readText(request));
    if (answered === undefined) return response.destroy();
    response.writeHead(answered.status, { "content-type": "application/json" });
    return response.end(JSON.stringify(answered.body));
  });
  return { url: await listen(server), close: () => stop(server) };
}

/** The status of the answer to a provider's call. */
export async function call(
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<number> {
  const answer = await fetch(url, { method: "POST", headers, body });
  await answer.arrayBuffer();
  return answer.status;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}
