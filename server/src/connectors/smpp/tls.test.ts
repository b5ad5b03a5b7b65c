import type { Server } from "node:net";
import { connect as openSocket, type Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { makeCertificates } from "../../../test/certificates.ts";
import { statuses } from "../../smpp/pdus.ts";
import { openSession, type SmppSession } from "../../smpp/session.ts";
import type { ConnectorState } from "../connector.ts";
import { parseSmppSettings } from "./settings.ts";
import { createSmppConnector } from "./smpp-connector.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const [carrier, us] = makeCertificates();
const here = carrier !== undefined && us !== undefined;

async function startCarrier(options: TlsOptions): Promise<{ port: number; bound: Promise<void> }> {
  let onBound: () => void = () => undefined;
  const bound = new Promise<void>((done) => {
    onBound = done;
  });
  const server: Server = createServer({ ...carrier, ...options }, (socket) => {
    const session: SmppSession = openSession(socket, {
      ...{ window: 10, enquireLinkMs: 30_000, responseTimeoutMs: 5_000, systemId: "smsc" },
      on: {
        onBind: () => {
          onBound();
          return statuses.ok;
        },
        onClose: () => undefined,
      },
    });
    closers.push(() => session.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closers.push(() => server.close());
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, bound };
}

/** Resolves with its state once it is bound or has failed. */
function startConnector(port: number, settings: object): Promise<ConnectorState> {
  const account = { host: "localhost", port, systemId: "us", password: "secret", tls: true };
  return new Promise((done) => {
    const connector = createSmppConnector({
      ...{ name: "acme", carrierAccount: "acme", isSimulated: false, optOutsUpstream: false },
      settings: parseSmppSettings({ ...account, ...settings }),
      ...{ clock: () => new Date("2026-11-24T12:00:00Z"), random: () => 0 },
      connectSocket: dial,
      events: {
        onReceipt: async () => undefined,
        onInbound: async () => () => undefined,
        onReady: () => done(connector.state()),
      },
    });
    const timer = setInterval(() => {
      if (connector.state().phase === "reconnecting") done(connector.state());
    }, 5);
    closers.push(() => clearInterval(timer), connector.close);
  });
}

function dial(_host: string, port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = openSocket(port, "127.0.0.1", () => done(socket));
    socket.once("error", fail);
  });
}

test.skipIf(!here)(
  "a carrier whose authority is known is bound to over TLS (needs openssl)",
  async () => {
    const { port, bound } = await startCarrier({});
    expect(await startConnector(port, { ca: carrier?.cert })).toMatchObject({ phase: "bound" });
    await bound;
  },
);

test.skipIf(!here)(
  "a carrier that nobody vouches for is not told the password (needs openssl)",
  async () => {
    const { port } = await startCarrier({});
    expect(await startConnector(port, {})).toMatchObject({
      ...{ phase: "reconnecting", cause: expect.stringMatching(/self[- ]signed/) },
    });
  },
);

test.skipIf(!here)(
  "a carrier that asks for a certificate of ours gets it (needs openssl)",
  async () => {
    const { port } = await startCarrier({ requestCert: true, ca: us?.cert ?? "" });
    const ours = { ca: carrier?.cert, certificate: us?.cert, key: us?.key };
    expect(await startConnector(port, ours)).toMatchObject({ phase: "bound" });
    const nobody = await startConnector(port, { ca: carrier?.cert });
    expect(nobody).toMatchObject({ phase: "reconnecting" });
  },
);

test("a certificate without its key is refused", () => {
  const account = { host: "localhost", port: 1, systemId: "us", password: "secret" };
  expect(() => parseSmppSettings({ ...account, certificate: "x" })).toThrow("certificate");
});
