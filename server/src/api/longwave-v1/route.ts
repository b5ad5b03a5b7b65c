import type { Readable } from "node:stream";
import type { FastifyRequest } from "fastify";
import type { Account } from "../../accounts/account.ts";
import { ApiError, invalidParameter } from "../../lib/errors.ts";
import type { Reservation } from "../idempotency.ts";

/** JSON Schema 2020-12, as OpenAPI 3.1 has it. */
export type Schema = { readonly [keyword: string]: unknown };

/** One operation: what is served, and what is said about it in the OpenAPI document. */
export type Route = {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below `/longwave/v1`; parameters in braces: `/Messages/{sid}/Timeline`. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly isForOperator?: boolean;
  /** An Idempotency-Key gets the first answer again: how many messages a body accepts. */
  readonly messagesOnce?: (body: unknown) => number;
  readonly query?: Readonly<Record<string, Schema>>;
  readonly body?: { readonly type: "json"; readonly schema: Schema } | { readonly type: "csv" };
  readonly answer: Answer;
  /** Gives the answer's JSON, a stream of CSV or lines, or nothing for 204. Throws `ApiError`. */
  readonly handle: (call: Call) => Promise<unknown>;
};

export type Answer =
  | { readonly status: 200 | 201; readonly schema: Schema }
  /** Its JSON is written by the handler, as it goes. */
  | { readonly status: 200; readonly schema: Schema; readonly isText: true }
  | { readonly status: 200; readonly csv: true }
  /** One JSON object a line. */
  | { readonly status: 200; readonly lines: true }
  | { readonly status: 204 };

/** A request that fits its route's schemas. */
export type Call = {
  readonly account: Account;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | number | undefined>>;
  readonly body: unknown;
  /** The ids of its messages, when the caller gave an idempotency key. */
  readonly reserved?: Reservation | undefined;
  /** Checks a value that no schema of the route covers; texts become numbers where these belong. */
  readonly readAs: (schema: Schema, value: unknown, name: string) => unknown;
};

export function readCall(request: FastifyRequest, account: Account): Call {
  return {
    account,
    params: request.params as Record<string, string>, // by the route's path
    query: request.query as Record<string, string | number>, // by the route's schema
    body: request.body,
    readAs: (schema, value, name) => {
      const validate = request.compileValidationSchema(schema);
      if (validate(value)) return value;
      throw misfit(name, validate.errors?.[0]);
    },
  };
}

/** Says which value does not fit its schema, and how. */
export function misfit(
  name: string,
  error:
    | { instancePath?: string; message?: string | undefined; params?: unknown }
    | null
    | undefined,
): ApiError {
  const path = (error?.instancePath ?? "").slice(1).replaceAll("/", ".");
  const allowed = (error?.params as { allowedValues?: unknown[] } | undefined)?.allowedValues;
  const choices = allowed === undefined ? "" : ` (${allowed.join(", ")})`;
  const why = `it ${error?.message ?? "does not fit"}${choices}.`;
  return invalidParameter(path === "" ? name : `${name}.${path}`, why);
}

/** The operator's account is the one that no other owns. */
export function checkAccess(route: Route, account: Account): void {
  if (account.isTest) {
    throw new ApiError(
      403,
      20008,
      "Test credentials work for POST Messages and numbers only. Use the account's own token.",
    );
  }
  if (route.isForOperator && account.parent !== undefined) {
    throw new ApiError(
      403,
      20403,
      `${route.summary}: only the operator may. Use the credentials of the first account.`,
    );
  }
}

/** Text in a query or path, where it was given. */
export function textOf(value: string | number | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : String(value);
}

/** A body of `text/csv`, read as it comes. */
export function csvOf(call: Call): Readable {
  return call.body as Readable; // by the content type's parser
}

export const text = { type: "string" } as const;
export const textOrNull = { type: ["string", "null"] } as const;
export const date = { type: "string", format: "date-time" } as const;
export const dateOrNull = { type: ["string", "null"], format: "date-time" } as const;
export const count = { type: "integer", minimum: 0 } as const;

/** An object of which every property is always there. */
export function objectOf(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", required: Object.keys(properties), properties };
}

export function listOf(items: Schema): Schema {
  return { type: "array", items };
}
