import type { Route, Schema } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of `/longwave/v1`, made from the routes themselves. */
export function describeRoutes(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    operations[route.method.toLowerCase()] = describeOperation(route);
    paths[route.path] = operations;
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Longwave",
      version,
      description: "What Twilio has no API for. Everything else is at Twilio's own paths.",
    },
    servers: [{ url: "/longwave/v1" }],
    security: [{ account: [] }],
    paths,
    components: {
      securitySchemes: {
        account: {
          type: "http",
          scheme: "basic",
          description: "The account's sid and auth token, or an API key and its secret.",
        },
      },
      schemas: { Error: errorSchema },
      responses: {
        Error: {
          description: "Refused: the message says what to do.",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
        },
      },
    },
  };
}

function describeOperation(route: Route): Json {
  const [, tag] = route.path.split("/");
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [tag],
    ...(route.isForOperator ? { description: "For the operator: the first account." } : {}),
    parameters: [
      ...pathParameters(route),
      ...queryParameters(route),
      ...(route.messagesOnce ? [idempotencyKey] : []),
    ],
    ...(route.body === undefined ? {} : { requestBody: describeBody(route.body) }),
    responses: { [route.answer.status]: describeAnswer(route), default: errorAnswer },
  };
}

const errorAnswer = { $ref: "#/components/responses/Error" };

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "For 24 hours the same request under this key gets the first answer, and its messages are sent once.",
  schema: { type: "string", maxLength: 255 },
};

export function pathNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

function pathParameters(route: Route): Json[] {
  const schema = { type: "string" };
  return pathNames(route.path).map((name) => ({ name, in: "path", required: true, schema }));
}

function queryParameters(route: Route): Json[] {
  return Object.entries(route.query ?? {}).map(([name, schema]) => ({ name, in: "query", schema }));
}

function describeBody(body: NonNullable<Route["body"]>): Json {
  const content =
    body.type === "csv"
      ? { "text/csv": { schema: { type: "string" } } }
      : { "application/json": { schema: body.schema } };
  return { required: true, content };
}

function describeAnswer({ answer }: Route): Json {
  if (answer.status === 204) return { description: "Done." };
  const content =
    "csv" in answer
      ? { "text/csv": { schema: { type: "string" } } }
      : "lines" in answer
        ? { "application/x-ndjson": { schema: { type: "string" } } }
        : { "application/json": { schema: answer.schema } };
  return { description: "Done.", content };
}

const errorSchema: Schema = {
  type: "object",
  required: ["code", "message", "status"],
  properties: {
    code: { type: "integer", description: "Twilio's error code." },
    message: { type: "string" },
    more_info: { type: "string" },
    status: { type: "integer", description: "The HTTP status." },
  },
};
