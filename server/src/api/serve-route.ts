import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Account } from "../accounts/account.ts";
import { ApiError, notFound } from "../lib/errors.ts";
import { accountNotActive, accountOfPath, authenticateRequest } from "./authentication.ts";
import { asApiError, errorBody } from "./error-response.ts";
import { createForm, parsePairs } from "./form.ts";
import { answerOnce, type Reservation, type TextAnswer } from "./idempotency.ts";
import type { ApiNeeds } from "./needs.ts";
import { withoutProduct } from "./paths.ts";
import type { Route } from "./route.ts";

const ACCESS = "access";
/** Whose request it is, and on whose account. */
type Access = { readonly caller: Account; readonly account: Account };

type Located = TextAnswer & { readonly location?: string | undefined };

/** Makes room for what `addRoute` notes with each request. */
export function prepareRequests(server: FastifyInstance): void {
  server.decorateRequest(ACCESS, undefined);
}

/** Serves a route of Twilio's API. Who may not come in is refused before the body is read. */
export function addRoute(server: FastifyInstance, app: ApiNeeds, route: Route): void {
  const headers = Object.entries(route.headers ?? {});
  server.route<{ Params: Record<string, string | undefined> }>({
    method: route.method,
    url: route.path,
    onRequest: (request, _reply, done) => {
      request.setDecorator(ACCESS, checkAccess(app, route, request));
      done();
    },
    handler: async (request, reply) => {
      const access = request.getDecorator<Access | undefined>(ACCESS);
      if (access === undefined) throw new Error("A request came in without authentication.");
      const { caller, account } = access;
      const { path, query } = splitUrl(request.originalUrl ?? request.url);
      const isByQuery = route.method === "GET" || route.method === "DELETE";
      const text = textOfHeaders(headers, request) + (isByQuery ? query : formOf(route, request));
      const origin = originOf(app, request);
      const answer = async (reserved?: Reservation): Promise<Located> => {
        const form = createForm(parsePairs(text), route.parameters);
        const { params } = request;
        const asked = { account, caller, form, path, origin, params, reserved };
        const { status, body, location } = await route.handle(app, asked);
        return { status, body: body === undefined ? "" : JSON.stringify(body), location };
      };
      const key = route.method === "POST" && !caller.isTest ? idempotencyKey(request) : undefined;
      const { status, body, location }: Located =
        key === undefined
          ? await answer()
          : await answerOnceFor(
              app,
              {
                ...{ account: account.id, key, request: `${path}\n${text}` },
                messages: route.isAccept === true ? 1 : 0,
              },
              answer,
            );
      reply.code(status);
      if (location !== undefined) reply.header("location", location);
      if (body !== "") reply.type("application/json; charset=utf-8");
      reply.send(body === "" ? undefined : body);
    },
  });
}

function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const mark = url.indexOf("?");
  if (mark === -1) return { path: withoutProduct(url), query: "" };
  return { path: withoutProduct(url.slice(0, mark)), query: url.slice(mark + 1) };
}

function originOf(app: ApiNeeds, request: FastifyRequest): string {
  if (app.configuredUrl !== undefined) return app.configuredUrl;
  return request.host === "" ? app.publicUrl : `${request.protocol}://${request.host}`;
}

function checkAccess(
  app: ApiNeeds,
  route: Route,
  request: FastifyRequest<{ Params: Record<string, string | undefined> }>,
): Access {
  const caller = authenticateRequest(app, request);
  const account = accountOfPath(app, caller, request.params.account);
  const isForSuspended = route.method === "GET" || route.isForSuspended === true;
  if (account.status !== "active" && !isForSuspended) throw accountNotActive(account);
  // PostgreSQL takes no NUL in a text, and no name of ours has one.
  const mayHaveNul = request.url.includes("%00");
  if (mayHaveNul && Object.values(request.params).some((value) => value?.includes("\0"))) {
    throw notFound("What this path names");
  }
  if (caller.isTest && route.isForTest !== true) {
    throw new ApiError(403, 20008, "Test credentials only send texts and claim numbers.");
  }
  return { caller, account };
}

/** Parameters that came as headers, before those of the form, which win. */
function textOfHeaders(
  headers: readonly (readonly [header: string, name: string])[],
  request: FastifyRequest,
): string {
  return headers
    .map(([header, name]) => {
      const value = request.headers[header];
      return typeof value === "string" ? `${name}=${encodeURIComponent(value)}&` : "";
    })
    .join("");
}

/** A refusal is an answer, too: the same key gets it again. */
function answerOnceFor(
  app: ApiNeeds,
  asked: Parameters<typeof answerOnce>[1],
  answer: (reserved?: Reservation) => Promise<TextAnswer>,
): Promise<TextAnswer> {
  return answerOnce(app, asked, async (reserved) => {
    try {
      return await answer(reserved);
    } catch (error) {
      const known = asApiError(error);
      if (known === undefined || known.status === 429 || known.status >= 500) throw error;
      return { status: known.status, body: JSON.stringify(errorBody(known, app.publicUrl)) };
    }
  });
}

function formOf(route: Route, { body }: FastifyRequest): string {
  if (body === undefined || body === null) return "";
  if (typeof body === "string") return body;
  if (route.takesJson && typeof body === "object" && !Array.isArray(body)) {
    const texts = Object.entries(body).filter(([, value]) => typeof value === "string");
    return new URLSearchParams(texts).toString();
  }
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
