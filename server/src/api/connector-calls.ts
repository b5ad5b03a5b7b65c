import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Connector } from "../connectors/connector.ts";
import { notFound } from "../lib/errors.ts";

export type ConnectorCallNeeds = {
  readonly connectors: ReadonlyMap<string, Connector>;
  /** Without a slash at its end. */
  readonly publicUrl: () => string;
};

/** A receipt or a text of a phone is a few kilobytes. */
const BODY_BYTES_MAX = 64 * 1024;

/** Where carriers with an HTTP API bring receipts and texts: each connector knows its carrier's calls. */
export function connectorCalls(app: ConnectorCallNeeds) {
  return async (server: FastifyInstance): Promise<void> => {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      "*",
      { parseAs: "string", bodyLimit: BODY_BYTES_MAX },
      async (_request: FastifyRequest, body: string) => body,
    );
    server.route<{ Params: { name: string; about: string } }>({
      method: ["GET", "POST"],
      url: "/connectors/:name/:about",
      exposeHeadRoute: false,
      handler: (request, reply) => answer(app, request, reply),
    });
  };
}

async function answer(
  app: ConnectorCallNeeds,
  request: FastifyRequest<{ Params: { name: string; about: string } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { name, about } = request.params;
  const take = app.connectors.get(name)?.takeCall;
  if (take === undefined) throw notFound(`A connector '${name}' that is called by its carrier`);
  const status = await take({
    ...{ about, method: request.method === "GET" ? "GET" : "POST" },
    // What came through a proxy was signed for the address that the carrier knows.
    url: app.publicUrl() + (request.originalUrl ?? request.url),
    headers: headersOf(request),
    body: typeof request.body === "string" ? request.body : "",
  });
  return reply.code(status).send();
}

function headersOf({ headers }: FastifyRequest): Record<string, string | undefined> {
  const entries = Object.entries(headers);
  return Object.fromEntries(entries.map(([name, value]) => [name, value?.toString()]));
}
