import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { ApiError, notFound, tooManyRequests } from "../lib/errors.ts";
import { newSid } from "../lib/sid.ts";
import { routes2010 } from "./2010-04-01/routes.ts";
import { accountNotActive, accountOfPath, authenticateRequest } from "./authentication.ts";
import { asApiError, errorBody, internalError } from "./error-response.ts";
import { createForm, parsePairs } from "./form.ts";
import { answerOnce, type TextAnswer } from "./idempotency.ts";
import type { ApiNeeds } from "./needs.ts";
import type { Route } from "./route.ts";

/** Bytes of a form: a body of 1,600 characters percent-encoded is under 20 kB. */
const BODY_BYTES_MAX = 128 * 1024;
/** Requests that may be under way; beyond it callers are asked to come back. */
const IN_FLIGHT_MAX = 4_000;
const PATH_LENGTH_MAX = 1_024;
const RETRY_AFTER_S = 1;

/**
 * The HTTP server of the API, not yet listening. Whatever is registered on it later shares its
 * error bodies, request ids and limit.
 */
export function createApi(app: ApiNeeds): FastifyInstance {
  const server = fastify({
    trustProxy: app.trustProxy,
    bodyLimit: BODY_BYTES_MAX,
    exposeHeadRoutes: true,
    forceCloseConnections: "idle",
    genReqId: () => newSid("RQ", app.clock()),
    rewriteUrl: (request) => rewritePath(request.url ?? "/"),
    frameworkErrors: (error, request, reply) => sendError(app, error, request, reply),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: PATH_LENGTH_MAX },
  });
  limitLoad(server);
  server.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string" },
    (_request, body, done) => done(null, String(body)),
  );
  server.setErrorHandler((error, request, reply) => sendError(app, error, request, reply));
  server.setNotFoundHandler((request, reply) => {
    try {
      authenticateRequest(app, request);
      sendError(app, unknownPath(request.method), request, reply);
    } catch (error) {
      sendError(app, error, request, reply);
    }
  });
  for (const route of routes2010) addRoute(server, app, route);
  return server;
}

function limitLoad(server: FastifyInstance): void {
  let inFlight = 0;
  server.addHook("onRequest", async (request, reply) => {
    reply.header("Twilio-Request-Id", request.id);
    inFlight += 1;
    reply.raw.once("close", () => {
      inFlight -= 1;
    });
    if (inFlight > IN_FLIGHT_MAX) throw tooManyRequests("This server has too much to do.");
  });
}

function addRoute(server: FastifyInstance, app: ApiNeeds, route: Route): void {
  server.route<{ Params: Record<string, string | undefined> }>({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      const caller = authenticateRequest(app, request);
      const account = accountOfPath(app, caller, request.params.account);
      if (account.status !== "active" && !isForSuspended(route)) throw accountNotActive(account);
      // PostgreSQL takes no NUL in a text, and no name of ours has one.
      if (Object.values(request.params).some((value) => value?.includes("\0"))) {
        throw notFound("What this path names");
      }
      if (caller.isTest && route.isForTest !== true) {
        throw new ApiError(403, 20008, "Test credentials only send texts and claim numbers.");
      }
      const [path = "", query = ""] = (request.originalUrl ?? request.url).split(/\?(.*)/s);
      const text = route.method === "GET" ? query : formOf(request);
      const answer = async (): Promise<TextAnswer> => {
        const form = createForm(parsePairs(text), route.parameters);
        const { status, body } = await route.handle(app, {
          ...{ account, caller, form, path, params: request.params },
        });
        return { status, body: body === undefined ? "" : JSON.stringify(body) };
      };
      const key = route.method === "POST" && !caller.isTest ? idempotencyKey(request) : undefined;
      const { status, body } =
        key === undefined
          ? await answer()
          : await answerOnceFor(
              app,
              { account: account.id, key, request: `${path}\n${text}` },
              answer,
            );
      reply.code(status);
      if (body !== "") reply.type("application/json; charset=utf-8");
      return reply.send(body === "" ? undefined : body);
    },
  });
}

/** A refusal is an answer, too: the same key gets it again. */
function answerOnceFor(
  app: ApiNeeds,
  asked: { readonly account: number; readonly key: string; readonly request: string },
  answer: () => Promise<TextAnswer>,
): Promise<TextAnswer> {
  return answerOnce(app, asked, async () => {
    try {
      return await answer();
    } catch (error) {
      const known = asApiError(error);
      if (known === undefined || known.status === 429 || known.status >= 500) throw error;
      return { status: known.status, body: JSON.stringify(errorBody(known, app.publicUrl)) };
    }
  });
}

function isForSuspended(route: Route): boolean {
  return route.method === "GET" || route.isForSuspended === true;
}

function formOf(request: FastifyRequest): string {
  if (request.body === undefined || request.body === null) return "";
  if (typeof request.body === "string") return request.body;
  throw new ApiError(
    415,
    20001,
    "This path takes application/x-www-form-urlencoded. Send the parameters as a form.",
  );
}

function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers["idempotency-key"] ?? request.headers["i-twilio-idempotency-token"];
  return Array.isArray(key) ? key[0] : key;
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

/** `/_/api/2010-04-01/…/Messages.json` is served where `/2010-04-01/…/Messages` is. */
function rewritePath(url: string): string {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? "" : url.slice(mark);
  const own = path.replace(/^\/_\/[a-z]+(?=\/)/, "");
  const isOf2010 = own.startsWith("/2010-04-01/");
  return (isOf2010 ? own.replace(/\.json\/?$/, "") : own) + query;
}

function unknownPath(method: string): ApiError {
  return new ApiError(
    404,
    20404,
    `There is nothing at this path for ${method}. Under /2010-04-01/Accounts there are ${resources.join(", ")}; our own resources are under /longwave/v1.`,
  );
}

const resources = [
  ...new Set(routes2010.map((route) => route.path.split("/")[4]).filter((name) => name)),
];
