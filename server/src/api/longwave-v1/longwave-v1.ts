import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Account } from "../../accounts/account.ts";
import type { AccountBook } from "../../accounts/account-book.ts";
import { CsvError } from "../../lib/csv.ts";
import { ApiError, invalidParameter, notFound, tooManyRequests } from "../../lib/errors.ts";
import { authenticateRequest } from "../authentication.ts";
import { answerOnce, type Reservation } from "../idempotency.ts";
import type { ApiNeeds } from "../needs.ts";
import { type AccountLimitNeeds, accountLimitRoutes } from "./account-limits.ts";
import { readBodies } from "./bodies.ts";
import { type BulkNeeds, bulkRoutes } from "./bulk.ts";
import { type ConnectorTraceNeeds, connectorTraceRoutes } from "./connector-trace.ts";
import { type ConnectorNeeds, connectorRoutes } from "./connectors.ts";
import { type HeldNeeds, heldRoutes } from "./held.ts";
import { type InventoryNeeds, inventoryRoutes } from "./inventory.ts";
import { type KeywordNeeds, keywordRoutes } from "./keywords.ts";
import { type LaneNeeds, laneRoutes } from "./lanes.ts";
import { type NumberRangeNeeds, numberRangeRoutes } from "./number-ranges.ts";
import { describeRoutes } from "./openapi.ts";
import { type OptOutNeeds, optOutRoutes } from "./opt-outs.ts";
import { type PriceNeeds, priceRoutes } from "./prices.ts";
import { type PrivacyNeeds, privacyRoutes } from "./privacy.ts";
import { type QuietHoursNeeds, quietHoursRoutes } from "./quiet-hours.ts";
import { renderReference } from "./reference-page.ts";
import { type RegistrationLimitNeeds, registrationLimitRoutes } from "./registration-limits.ts";
import { type RegistrationNeeds, registrationRoutes } from "./registrations.ts";
import { type ReplayNeeds, replayRoutes } from "./replay.ts";
import { type Call, checkAccess, misfit, type Route, readCall } from "./route.ts";
import { type RouteNeeds, routeRoutes } from "./routes.ts";
import { type SettingsNeeds, settingsRoutes } from "./settings.ts";
import { type SpendCapNeeds, spendCapRoutes } from "./spend-caps.ts";
import { type TakeOverNeeds, takeOverRoutes } from "./take-over.ts";
import { type TimelineNeeds, timelineRoutes } from "./timeline.ts";
import { type WebhookSecretNeeds, webhookSecretRoutes } from "./webhook-secret.ts";

export type LongwaveNeeds = BulkNeeds &
  AccountLimitNeeds &
  RouteNeeds &
  NumberRangeNeeds &
  TimelineNeeds &
  ReplayNeeds &
  OptOutNeeds &
  KeywordNeeds &
  InventoryNeeds &
  RegistrationNeeds &
  RegistrationLimitNeeds &
  QuietHoursNeeds &
  PriceNeeds &
  SpendCapNeeds &
  HeldNeeds &
  PrivacyNeeds &
  TakeOverNeeds &
  LaneNeeds &
  SettingsNeeds &
  WebhookSecretNeeds &
  ConnectorTraceNeeds &
  ConnectorNeeds & {
    readonly accountBook: AccountBook;
    readonly newId: ApiNeeds["newId"];
    readonly reportBug: ApiNeeds["reportBug"];
    /** Of Longwave, for the OpenAPI document. */
    readonly version: string;
  };

/** Larger bodies are counted: each may cost some ten times its bytes while it is read. */
const SMALL_BYTES_MAX = 128 * 1024;
const LARGE_IN_FLIGHT_MAX = 8;

const prefix = "/longwave/v1";

/** Our own API; each request is authenticated here. */
export function longwaveV1(app: LongwaveNeeds) {
  return async (server: FastifyInstance): Promise<void> => {
    readBodies(server);
    const gate = createGate(app);
    for (const route of longwaveRoutes(app)) {
      serve(server, app, route, gate);
      // Also in lower case: not everybody remembers which parts of Twilio's paths are capitals.
      serve(server, app, { ...route, path: route.path.toLowerCase() }, gate);
    }
  };
}

/** Its description, for programs and for people: which needs no credentials. */
export function longwaveReference(app: LongwaveNeeds) {
  const routes = longwaveRoutes(app);
  const document = JSON.stringify(describeRoutes(routes, app.version));
  const page = renderReference(routes);
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  const sendPage = (_request: FastifyRequest, reply: FastifyReply) =>
    reply.type("text/html; charset=utf-8").header("content-security-policy", policy).send(page);
  return async (server: FastifyInstance): Promise<void> => {
    server.get(`${prefix}/openapi.json`, (_request, reply) =>
      reply.type("application/json; charset=utf-8").send(document),
    );
    server.get(`${prefix}/`, sendPage);
  };
}

export function longwaveRoutes(app: LongwaveNeeds): Route[] {
  return [
    ...bulkRoutes(app),
    ...accountLimitRoutes(app),
    ...timelineRoutes(app),
    ...replayRoutes(app),
    ...optOutRoutes(app),
    ...keywordRoutes(app),
    ...inventoryRoutes(app),
    ...registrationRoutes(app),
    ...registrationLimitRoutes(app),
    ...laneRoutes(app),
    ...quietHoursRoutes(app),
    ...priceRoutes(app),
    ...spendCapRoutes(app),
    ...connectorRoutes(app),
    ...routeRoutes(app),
    ...numberRangeRoutes(app),
    ...connectorTraceRoutes(app),
    ...heldRoutes(app),
    ...privacyRoutes(app),
    ...takeOverRoutes(app),
    ...settingsRoutes(app),
    ...webhookSecretRoutes(app),
  ];
}

function serve(server: FastifyInstance, app: LongwaveNeeds, route: Route, gate: Gate): void {
  const query = route.query && {
    querystring: { type: "object", properties: route.query },
  };
  const body = route.body?.type === "json" && { body: route.body.schema };
  server.route({
    method: route.method,
    url: prefix + route.path.replaceAll(/\{(\w+)\}/g, ":$1"),
    schema: { ...query, ...body },
    attachValidation: true,
    onRequest: async (request, reply) => gate.enter(route, request, reply),
    handler: async (request, reply) => {
      const call = readCall(request, gate.accountOf(request));
      checkFit(route, request);
      const answer = (reserved?: Reservation) => answerOf(route, { ...call, reserved });
      reply.status(route.answer.status);
      if ("csv" in route.answer || "lines" in route.answer) {
        reply.type("csv" in route.answer ? "text/csv; charset=utf-8" : "application/x-ndjson");
        return reply.send(Readable.from((await answer()) as AsyncIterable<string>)); // by its answer
      }
      const isText = "isText" in route.answer;
      if (isText) reply.type("application/json; charset=utf-8");
      const key = request.headers["idempotency-key"];
      if (route.messagesOnce === undefined || typeof key !== "string") {
        return reply.send(await answer());
      }
      const asked = {
        ...{ account: call.account.id, key, request: JSON.stringify(call.body) },
        messages: route.messagesOnce(call.body),
      };
      const once = await answerOnce(app, asked, async (reserved) => {
        const given = await answer(reserved);
        const body = isText ? (given as string) : JSON.stringify(given);
        return { status: route.answer.status, body };
      });
      return reply.type("application/json; charset=utf-8").send(once.body);
    },
  });
}

async function answerOf(route: Route, call: Call): Promise<unknown> {
  try {
    return await route.handle(call);
  } catch (error) {
    throw error instanceof CsvError ? invalidParameter("body", error.message) : error;
  }
}

/** Who may come in, decided before the body is read; and how many with a large body at once. */
type Gate = {
  readonly enter: (route: Route, request: FastifyRequest, reply: FastifyReply) => void;
  readonly accountOf: (request: FastifyRequest) => Account;
};

function createGate(app: LongwaveNeeds): Gate {
  const accounts = new WeakMap<FastifyRequest, Account>();
  let large = 0;
  return {
    enter: (route, request, reply) => {
      const account = authenticateRequest(app, request);
      checkAccess(route, account);
      accounts.set(request, account);
      const length = Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY);
      if (route.body?.type !== "json" || length <= SMALL_BYTES_MAX) return;
      if (large >= LARGE_IN_FLIGHT_MAX) {
        throw tooManyRequests(`${LARGE_IN_FLIGHT_MAX} large requests are under way.`);
      }
      large += 1;
      reply.raw.once("close", () => {
        large -= 1;
      });
    },
    accountOf: (request) => {
      const account = accounts.get(request);
      if (account === undefined) throw new Error("A request came in without authentication.");
      return account;
    },
  };
}

function checkFit(route: Route, request: FastifyRequest): void {
  const given = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  const wanted = route.body?.type === "csv" ? "text/csv" : "application/json";
  if (route.body !== undefined && given !== wanted) {
    throw new ApiError(415, 20001, `Send the body with Content-Type: ${wanted}.`);
  }
  // PostgreSQL has no text with NUL in it, so nothing has such a name.
  if (request.url.includes("%00")) throw notFound(`The path ${route.path} with a NUL character`);
  const error = request.validationError;
  if (error === undefined) return;
  throw misfit(error.validationContext ?? "body", error.validation?.[0]);
}
