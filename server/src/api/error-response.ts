import { isDatabaseAway } from "../db/database-errors.ts";
import { ApiError } from "../lib/errors.ts";

export type ErrorBody = {
  readonly code: number;
  readonly message: string;
  readonly more_info: string;
  readonly status: number;
  readonly details?: Record<string, unknown>;
};

export function errorBody(error: ApiError, publicUrl: string): ErrorBody {
  return {
    code: error.code,
    message: error.message,
    more_info: `${publicUrl}/docs/errors/${error.code}`,
    status: error.status,
    ...(error.details === undefined ? {} : { details: error.details }),
  };
}

/** What any thrown thing is to the caller; nothing when it is a bug, of which the caller learns no more. */
export function asApiError(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (isDatabaseAway(error)) return databaseAway;
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  return byStatus[Number(error.statusCode)];
}

/** What Node could not read as a request, by its code. */
export function ofClientError(error: Error & { code?: string }): ApiError {
  return byNodeCode[error.code ?? ""] ?? unreadable;
}

export const internalError = new ApiError(
  500,
  20500,
  "Something went wrong here. Look in the log for the id in the header Twilio-Request-Id.",
);

const unreadable = new ApiError(
  400,
  20001,
  "The request cannot be read. Check its length, type and encoding.",
);

const byNodeCode: Readonly<Record<string, ApiError>> = {
  HPE_HEADER_OVERFLOW: new ApiError(431, 20001, "The headers are too large. Send fewer."),
  ERR_HTTP_REQUEST_TIMEOUT: new ApiError(408, 20001, "The request came too slowly. Send it again."),
};

const databaseAway = new ApiError(
  503,
  20503,
  "The database cannot be used at this moment. Try again later.",
);

// What Fastify itself refuses.
const byStatus: Readonly<Record<number, ApiError>> = {
  400: unreadable,
  413: new ApiError(413, 20001, "The body is too large. Send less in one request."),
  414: new ApiError(414, 20001, "The path is too long."),
  415: new ApiError(
    415,
    20001,
    "The content type is not supported. Send application/x-www-form-urlencoded.",
  ),
};
