import { connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** In PEM. */
export type Tls = { readonly certificate: string; readonly key: string };

/** TLS from the first byte on where there is a certificate. */
export function createListener(tls: Tls | undefined, serve: (socket: Socket) => void): Server {
  if (tls === undefined) return createServer(serve);
  return createTlsServer({ cert: tls.certificate, key: tls.key }, serve);
}

export function connected(gateway: { host: string; port: number }): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(gateway, () => done(socket));
    socket.once("error", fail);
  });
}

export async function listen(
  server: Server,
  { port, host }: { port: number; host: string },
): Promise<number> {
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen({ port, host, exclusive: true }, done);
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
