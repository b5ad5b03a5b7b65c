import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";

export type Webhook = {
  readonly path: string;
  readonly form: Record<string, string>;
  readonly signature: string;
};

/** The customer's server: it keeps what it is told, and answers 204. */
export async function listenForWebhooks() {
  const arrived: Webhook[] = [];
  const waiting: ((webhook: Webhook) => void)[] = [];
  const server = createServer(async (request, response) => {
    const webhook = {
      path: request.url ?? "/",
      form: Object.fromEntries(new URLSearchParams(await readText(request))),
      signature: String(request.headers["x-twilio-signature"] ?? ""),
    };
    const next = waiting.shift();
    if (next === undefined) arrived.push(webhook);
    else next(webhook);
    response.writeHead(204).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (): Promise<Webhook> => {
      const webhook = arrived.shift();
      if (webhook !== undefined) return Promise.resolve(webhook);
      return new Promise((done) => waiting.push(done));
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}
