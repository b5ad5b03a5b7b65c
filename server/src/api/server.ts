import type { Socket } from "node:net";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { MINUTE } from "../lib/clock.ts";
import { tooManyRequests } from "../lib/errors.ts";
import { newSid } from "../lib/sid.ts";
import { authenticateRequest } from "./authentication.ts";
import { addErrorPages } from "./error-codes/error-pages.ts";
import { asApiError, errorBody, internalError, ofClientError } from "./error-response.ts";
import { readFormBody } from "./form.ts";
import { addHealth } from "./health.ts";
import type { ApiNeeds } from "./needs.ts";
import { rememberRoutes, rewritePath } from "./paths.ts";
import { twilioRoutes } from "./routes.ts";
import { addRoute, prepareRequests } from "./serve-route.ts";

/** Bytes of a form: a body of 1,600 characters percent-encoded is under 20 kB. */
const BODY_BYTES_MAX = 128 * 1024;
/** Requests that may be under way; beyond it callers are asked to come back. */
const IN_FLIGHT_MAX = 4_000;
const PATH_LENGTH_MAX = 1_024;
const RETRY_AFTER_S = 1;
/** Until a request must be here with its whole body: Node's own bound, which Fastify lifts. */
const REQUEST_MS_MAX = 5 * MINUTE;

/**
 * The HTTP server of the API, not yet listening. Whatever is registered on it later shares its
 * error bodies, request ids and limit.
 */
export function createApi(app: ApiNeeds): FastifyInstance {
  const server = fastify({
    trustProxy: app.trustProxy,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS_MAX,
    exposeHeadRoutes: true,
    forceCloseConnections: "idle",
    genReqId: () => newSid("RQ", app.clock()),
    rewriteUrl: (request) => rewritePath(request.url ?? "/"),
    frameworkErrors: (error, request, reply) => sendError(app, error, request, reply),
    clientErrorHandler: (error, socket) => refuseConnection(app, error, socket),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PATH_LENGTH_MAX },
  });
  limitLoad(server);
  prepareRequests(server);
  server.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "buffer" },
    readFormBody,
  );
  server.setErrorHandler((error, request, reply) => sendError(app, error, request, reply));
  const refuseUnknown = rememberRoutes(server);
  server.setNotFoundHandler((request, reply) => {
    try {
      authenticateRequest(app, request);
      refuseUnknown(request, reply);
    } catch (error) {
      sendError(app, error, request, reply);
    }
  });
  for (const route of twilioRoutes) addRoute(server, app, route);
  addErrorPages(server);
  addHealth(server, app);
  return server;
}

function limitLoad(server: FastifyInstance): void {
  let inFlight = 0;
  const ended = () => {
    inFlight -= 1;
  };
  server.addHook("onRequest", (request, reply, done) => {
    reply.header("Twilio-Request-Id", request.id);
    inFlight += 1;
    reply.raw.on("close", ended);
    if (inFlight > IN_FLIGHT_MAX) throw tooManyRequests("This server has too much to do.");
    done();
  });
}

function sendError(
  app: ApiNeeds,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const known = asApiError(error);
  if (known === undefined) app.reportBug(error, request.id);
  const shown = known ?? internalError;
  reply.header("Twilio-Request-Id", request.id);
  if (shown.status === 429 || shown.status === 503) reply.header("Retry-After", RETRY_AFTER_S);
  if (shown.status === 401) reply.header("WWW-Authenticate", 'Basic realm="Longwave API"');
  reply.code(shown.status).type("application/json; charset=utf-8");
  reply.send(JSON.stringify(errorBody(shown, app.publicUrl)));
}

/** What is no HTTP request that Node can read never becomes one here: it is answered by hand. */
function refuseConnection(app: ApiNeeds, error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const shown = ofClientError(error);
  const body = JSON.stringify(errorBody(shown, app.publicUrl));
  socket.end(
    `HTTP/1.1 ${shown.status} Refused\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
